/**
 * What a block is and costs, read from a few of its bytes before anything is checked: enough to put
 * it into a fair line. A block that lies about itself is refused by the rules soon after. On the
 * path: before fair-queue.ts. Spec: docs/spec/14-load.md, "Fair turns".
 */
import { ENVELOPE_TYPE } from '@tanglemail/tangle/core/codec/envelope.ts';
import { TAGGED_DATA_TYPE } from '@tanglemail/tangle/core/codec/tagged-data.ts';
import { TRANSACTION_TYPE } from '@tanglemail/tangle/core/codec/transaction.ts';
import type { BlockKind } from './fair-queue.ts';

/** Cost of a block besides its bytes: a key, two hashes, parents, a write. */
const FIXED_COST = 1_024;
/**
 * A byte of a transaction, compared with one of other blocks: an unlock of some 97 bytes costs the
 * check of a signature, as much time as hashing and storing several KiB.
 */
const TRANSACTION_FACTOR = 32;
/** Version, network id. */
const PARENTS_AT = 9;

/** The payload's kind by its type number; `none` when there is no payload or nothing to read. */
export function kindOf(bytes: Uint8Array): BlockKind {
  const lengthAt = PARENTS_AT + 1 + (bytes[PARENTS_AT] ?? 0) * 32;
  if (lengthAt + 8 > bytes.length) return 'none';
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (words.getUint32(lengthAt, true) === 0) return 'none';
  switch (words.getUint32(lengthAt + 4, true)) {
    case TRANSACTION_TYPE:
      return 'transaction';
    case ENVELOPE_TYPE:
      return 'envelope';
    case TAGGED_DATA_TYPE:
      return 'tagged-data';
    default:
      return 'none';
  }
}

/** What processing takes, in units of about one byte hashed and stored. */
export function costOf(sizeBytes: number, kind: BlockKind): number {
  return FIXED_COST + sizeBytes * (kind === 'transaction' ? TRANSACTION_FACTOR : 1);
}
