/**
 * The epoch keys of an account as letters ask for them: derived once per epoch and kept in memory.
 * Stop before: identity/epoch.ts; next: letter/letter.ts. Spec: docs/spec/22-letter.md.
 */
import type { EpochKeys, EpochState } from '../identity/epoch.ts';
import { deriveEpochKeys, epochSecrets } from '../identity/epoch.ts';
import type { MailOutcome } from '../outcome.ts';
import { succeed } from '../outcome.ts';
import type { SealingSuite } from '../ports.ts';

/** Epochs whose keys stay derived: five weeks of lease and a few more. */
const MAX_CACHED_EPOCHS = 16;

/** Where a letter's opener finds the keys of an epoch. */
export interface EpochKeyring {
  /** Newest line first. Codes: `epoch-secret-gone`, `epoch-too-far`. */
  keysOf(epoch: number): MailOutcome<readonly EpochKeys[]>;
}

/** A keyring over one state. After the state changed (prune, mix), make a new one. */
export function createKeyring(state: EpochState, suite: SealingSuite): EpochKeyring {
  const cache = new Map<number, readonly EpochKeys[]>();
  return {
    keysOf(epoch) {
      const known = cache.get(epoch);
      if (known) return succeed(known);
      const secrets = epochSecrets(state, epoch);
      if (!secrets.ok) return secrets;
      const keys = secrets.value.map((secret) => deriveEpochKeys(secret, epoch, suite));
      const [oldest] = cache.keys();
      if (cache.size >= MAX_CACHED_EPOCHS && oldest !== undefined) cache.delete(oldest);
      cache.set(epoch, keys);
      return succeed(keys);
    },
  };
}
