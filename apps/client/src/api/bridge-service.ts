/**
 * What the local API needs of the bridge for mail programs. bridge/bridge.ts has it.
 * Spec: docs/spec/41-client-api.md §30.
 */
import type { AddedAppPasswordDto, BridgeDto } from './bridge-dto.ts';

export interface BridgeService {
  bridge(): BridgeDto;
  /** `app-passwords-too-many`. */
  addPassword(name: string): Promise<AddedAppPasswordDto>;
  /** `app-password-unknown`. Programs that are connected stay so until they log in again. */
  removePassword(id: string): Promise<void>;
}
