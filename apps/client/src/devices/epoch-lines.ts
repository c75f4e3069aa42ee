/**
 * Fresh randomness in the account's epochs: a new line begins when a device is removed, on
 * suspicion, and every 30 days. Whoever knew all before opens nothing that is sealed to the new
 * descriptor. Before: device-manager.ts; after: device-log.ts, account/epoch-store.ts.
 * Spec: docs/spec/20-identity.md §3, docs/spec/26-self-log.md §7.
 */
import {
  DEFAULT_LEASE_SECONDS,
  epochOf,
  epochStart,
  mixEpochs,
  PUBLISHED_EPOCHS,
} from '@tanglemail/mail/core/identity/epoch.ts';
import type { EpochLineStart } from '@tanglemail/mail/core/self-log/operation.ts';
import { type EpochStore, type PruneFacts, pruneTime } from '../account/epoch-store.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';

/** Seconds after which a line is replaced by one with fresh randomness: 30 days. */
export const LINE_SECONDS = 2_592_000;

export interface EpochLinesDeps {
  readonly log: DeviceLog;
  readonly epochs: EpochStore;
  readonly random: (length: number) => Uint8Array;
  /** The last epoch for which bundles are published. */
  readonly lastPublished: () => number | undefined;
}

export class EpochLines {
  readonly #deps: EpochLinesDeps;

  constructor(deps: EpochLinesDeps) {
    this.#deps = deps;
  }

  /** Puts a new line into the batch; the others learn of it through the self-log. */
  begin(batch: SealedBatch, nowSeconds: number): void {
    const { log, epochs, random, lastPublished } = this.#deps;
    const from = epochOf(nowSeconds);
    const published = Math.min(lastPublished() ?? 0, from + PUBLISHED_EPOCHS - 1);
    const mixed = mixEpochs(epochs.state, from, published, random(32));
    // Eight lines are kept at most: until an old one is over, the newest serves on.
    if (!mixed.ok) return;
    const [line] = mixed.value.lines;
    if (line === undefined) throw new Error('broken invariant: a state has a line');
    const body: EpochLineStart = {
      kind: 'epoch-line',
      from,
      epoch: from,
      previousUntil: published,
      secret: line.secret,
    };
    log.journal(batch, body);
    this.adopt(batch);
  }

  /** Makes the epochs those of the log, as the batch leaves it. */
  adopt(batch: SealedBatch): void {
    const { log, epochs } = this.#deps;
    const state = log.epochsIn(batch);
    if (state === undefined) return;
    const apply = epochs.adopt(batch, state);
    batch.whenWritten(apply);
  }

  /** Whether the present line is 30 days old; a line of the set-up counts from `madeAtSeconds`. */
  isDue(nowSeconds: number, madeAtSeconds: number): boolean {
    const [line] = this.#deps.epochs.state.lines;
    const lines = [...this.#deps.log.log.operations.values()].flatMap(({ body }) =>
      body.kind === 'epoch-line' && body.previousUntil > 0 ? [body] : [],
    );
    const newest = Math.max(0, ...lines.map((one) => one.from));
    if (line === undefined) return false;
    return nowSeconds - Math.max(madeAtSeconds, epochStart(newest)) >= LINE_SECONDS;
  }

  /** Forgets in the log what the epoch store has forgotten. */
  forget(batch: SealedBatch, facts: PruneFacts): void {
    const lease = Math.max(facts.leaseSeconds, DEFAULT_LEASE_SECONDS);
    this.#deps.log.forget(batch, pruneTime(facts), lease, facts.oldestLastEpoch);
  }
}
