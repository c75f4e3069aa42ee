/**
 * Whether our own providers still hold what they were paid for: once a day each proves one segment,
 * chosen by chance, of one object, chosen by chance. Before: provider-sync.ts; after: mail io,
 * provider. Spec: docs/spec/42-delivery.md, section 26.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { segmentCount } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { LogEntryDto } from '@tanglemail/mail/io/provider/dto.ts';
import { ProviderApiError, ProviderFault } from '@tanglemail/mail/io/provider/errors.ts';
import type { Rental } from '../store/collections.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { SyncPass } from './object-fetcher.ts';

export interface ProviderAuditDeps {
  readonly book: Pick<RentalBook, 'update'>;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
  readonly logger: Logger;
}

export const AUDIT_EVERY_MS = 86_400_000;
/** Objects of which one is drawn. */
const MAX_SAMPLE = 64;
/** Objects of one provider that wait to be brought back. */
const MAX_LOST = 64;

/** What is known of a provider by its deeds; nothing yet is no praise. */
export function scoreOf(rental: Rental): NonNullable<Rental['score']> {
  return rental.score ?? { auditsOk: 0, auditsFailed: 0, fetchesFailed: 0, auditedAtMs: 0 };
}

/** A provider could not give what its log says it stores: counted once, until it is there again. */
export function withFailedFetch(rental: Rental, root: string): Rental {
  if (rental.lost?.includes(root) === true) return rental;
  const score = scoreOf(rental);
  const failed = { ...score, fetchesFailed: score.fetchesFailed + 1 };
  return { ...rental, score: failed, lost: withLost(rental, root) };
}

/** One more object that is to be brought back; beyond the bound the oldest are given up. */
function withLost({ lost = [] }: Rental, root: string): string[] {
  return [...lost.filter((one) => one !== root), root].slice(-MAX_LOST);
}

/** What was missed is there again. */
export function withoutLost(rental: Rental, root: string): Rental {
  const { lost = [] } = rental;
  return { ...rental, lost: lost.filter((one) => one !== root) };
}

/**
 * A provider has no mailbox of ours any more, or one that was made anew: what we told it, and what
 * it kept, is gone.
 */
export function withLostMailbox(rental: Rental): Rental {
  const { bucketStampBits: _asked, policyTold: _told, ...rest } = rental;
  const score = scoreOf(rental);
  return {
    ...rest,
    balance: '0',
    log: { length: 0, hash: '00'.repeat(32) },
    registered: {},
    lists: [],
    hasBucket: false,
    storedObjects: 0,
    sample: [],
    pending: [],
    lost: [],
    isRestoring: true,
    score: { ...score, auditsFailed: score.auditsFailed + 1 },
  };
}

/** A fair sample of what the log says is stored now, after more of it was read. */
export function sampled(
  rental: Rental,
  entries: readonly LogEntryDto[],
  random: Pick<TangleAccess['random'], 'below'>,
): NonNullable<Rental['sample']> {
  const sample = [...(rental.sample ?? [])];
  for (const { state, root, size } of entries) {
    const at = sample.findIndex((one) => one.root === root);
    if (state === 'stored' && at < 0) {
      if (sample.length < MAX_SAMPLE) sample.push({ root, size });
      else sample[random.below(MAX_SAMPLE)] = { root, size };
    }
    const isOver = state === 'expired' || state === 'released' || state === 'purged';
    if (isOver && at >= 0) sample.splice(at, 1);
  }
  return sample;
}

export class ProviderAudit {
  readonly #deps: ProviderAuditDeps;

  constructor(deps: ProviderAuditDeps) {
    this.#deps = deps;
  }

  /** Audits the provider of a pass if a day is over. One that does not answer is no fraud. */
  async auditIfDue({ provider, session, bondId, rental }: SyncPass): Promise<void> {
    const { book, tangle, logger } = this.#deps;
    const present = rental();
    const sample = present.sample ?? [];
    const nowMs = tangle.clock.nowMs();
    const isDue = nowMs - scoreOf(present).auditedAtMs >= AUDIT_EVERY_MS;
    const drawn =
      isDue && sample.length > 0 ? sample[tangle.random.below(sample.length)] : undefined;
    if (drawn === undefined) return;
    const from = tangle.random.below(segmentCount(drawn.size));
    let isHeld = true;
    try {
      await provider.proveSegments(session, drawn.root, from, 1);
    } catch (error) {
      if (!isBroken(error)) {
        logger.debug({ ...errorFields(error), bondId }, 'an audit waits for the next pass');
        return;
      }
      isHeld = false;
      logger.warn({ ...errorFields(error), bondId, root: drawn.root }, 'an audit has failed');
    }
    await book.update(bondId, (one) => {
      const score = scoreOf(one);
      const counted = isHeld
        ? { auditsOk: score.auditsOk + 1 }
        : { auditsFailed: score.auditsFailed + 1 };
      const audited = { ...one, score: { ...score, ...counted, auditedAtMs: nowMs } };
      return isHeld ? audited : { ...audited, lost: withLost(one, drawn.root) };
    });
  }
}

/** A wrong proof, or "I do not have it" about what the log says is stored. */
export function isBroken(error: unknown): boolean {
  const isGone = error instanceof ProviderApiError && [404, 410].includes(error.status);
  return isGone || error instanceof ProviderFault;
}
