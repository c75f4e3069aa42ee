/**
 * What the local API needs of the rules for strangers. Spec: docs/spec/41-client-api.md, §24.
 */
import type { SpamRulesDto, SpamRulesPatchDto } from './spam-dto.ts';

export interface SpamService {
  rules(): Promise<SpamRulesDto>;
  /** Changes what is given; senders and providers are told. */
  change(patch: SpamRulesPatchDto): Promise<SpamRulesDto>;
}
