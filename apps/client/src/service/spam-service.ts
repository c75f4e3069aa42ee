/**
 * The rules for strangers as the local API shows and changes them. A change goes to the rented
 * providers at once where they can be reached, else with the next synchronisation; the descriptor
 * follows by itself. Before: api/spam.controller.ts; after: spam/spam-guard.ts.
 */
import type { SpamRulesDto, SpamRulesPatchDto } from '../api/spam-dto.ts';
import type { SpamService } from '../api/spam-service.ts';
import type { ClientParts } from '../client-parts.ts';
import { explained } from './explained.ts';

export class LocalSpamService implements SpamService {
  readonly #parts: Pick<ClientParts, 'spam' | 'providerSync'>;

  constructor(parts: Pick<ClientParts, 'spam' | 'providerSync'>) {
    this.#parts = parts;
  }

  async rules(): Promise<SpamRulesDto> {
    return this.#parts.spam.policy;
  }

  change({ stampBits, contactsOnly }: SpamRulesPatchDto): Promise<SpamRulesDto> {
    return explained(async () => {
      const { spam, providerSync } = this.#parts;
      const rules = await spam.change({
        ...(stampBits === undefined ? {} : { stampBits }),
        ...(contactsOnly === undefined ? {} : { contactsOnly }),
      });
      await providerSync.watchTags();
      return rules;
    });
  }
}
