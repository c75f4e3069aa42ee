/**
 * Unlocks: one for each input, in the same order, says why it may be spent.
 * Spec: docs/spec/02-transaction.md, section "Unlocks".
 */
import { refuse, type Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Types on the wire. */
export const UNLOCK_TYPE = { signature: 0, reference: 1, 'channel-claim': 2 } as const;

/** Owner's signature over the transaction's signing message. */
export interface SignatureUnlock {
  readonly kind: 'signature';
  /** 32 bytes; their hash is the owner's address. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** The same owner as the signature unlock at `index`, which stands before this one. */
export interface ReferenceUnlock {
  readonly kind: 'reference';
  /** Position among the unlocks, u16. */
  readonly index: number;
}

/** A payee's claim on a channel: its own signature and the payer's voucher. */
export interface ChannelClaimUnlock {
  readonly kind: 'channel-claim';
  /** The payee's key, 32 bytes; its hash is the channel's `payee`. */
  readonly publicKey: Uint8Array;
  /** 64 bytes over the signing message. */
  readonly signature: Uint8Array;
  /** Sum that the voucher grants since the channel was opened, base units. */
  readonly cumulative: bigint;
  /** The payer's signature over the voucher message, 64 bytes. */
  readonly voucherSignature: Uint8Array;
}

export type Unlock = SignatureUnlock | ReferenceUnlock | ChannelClaimUnlock;

const SIZES = { signature: 1 + 32 + 64, reference: 1 + 2, 'channel-claim': 1 + 32 + 64 + 8 + 64 };

/** Bytes that `unlock` takes on the wire. */
export function unlockSize(unlock: Unlock): number {
  return SIZES[unlock.kind];
}

/** Writes one unlock, type first. */
export function writeUnlock(writer: Writer, unlock: Unlock): void {
  writer.u8(UNLOCK_TYPE[unlock.kind]);
  if (unlock.kind === 'reference') {
    writer.u16(unlock.index);
    return;
  }
  writer.fixed(unlock.publicKey, 32);
  writer.fixed(unlock.signature, 64);
  if (unlock.kind === 'channel-claim') {
    writer.u64(unlock.cumulative);
    writer.fixed(unlock.voucherSignature, 64);
  }
}

/** Reads one unlock, type first; refuses other types with 'unlock-type-unknown'. */
export function readUnlock(reader: Reader): Unlock {
  switch (reader.u8()) {
    case UNLOCK_TYPE.signature:
      return { kind: 'signature', publicKey: reader.bytes(32), signature: reader.bytes(64) };
    case UNLOCK_TYPE.reference:
      return { kind: 'reference', index: reader.u16() };
    case UNLOCK_TYPE['channel-claim']:
      return {
        kind: 'channel-claim',
        publicKey: reader.bytes(32),
        signature: reader.bytes(64),
        cumulative: reader.u64(),
        voucherSignature: reader.bytes(64),
      };
    default:
      return refuse('unlock-type-unknown');
  }
}
