/**
 * Unlocks: one for each input, in the same order, says why it may be spent.
 * Spec: docs/spec/02-transaction.md, section "Unlocks".
 */
import { assert } from '../outcome.ts';
import { readStatementKind, STATEMENT_KINDS, type StatementKind } from './certificate.ts';
import { compareBytes } from './ids.ts';
import { refuse, type Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/** Types on the wire. */
export const UNLOCK_TYPE = {
  signature: 0,
  reference: 1,
  'channel-claim': 2,
  evidence: 3,
} as const;

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

/** A statement of the agreement without its epoch and view, and its signature. */
export interface SignedDigest {
  readonly kind: StatementKind;
  /** 32 bytes; zero for 'nullify'. */
  readonly digest: Uint8Array;
  /** 64 bytes over `signedMessage` of `codec/certificate.ts`. */
  readonly signature: Uint8Array;
}

/**
 * Two statements of one view that contradict each other, both signed by a bond's key: anybody may
 * bring them, so nothing signs the transaction here.
 */
export interface EvidenceUnlock {
  readonly kind: 'evidence';
  /** u32. */
  readonly epoch: number;
  /** u64. */
  readonly view: bigint;
  /** Ascending by kind's number and digest: one way to write each pair. */
  readonly statements: readonly [SignedDigest, SignedDigest];
}

export type Unlock = SignatureUnlock | ReferenceUnlock | ChannelClaimUnlock | EvidenceUnlock;

const SIZES = {
  signature: 1 + 32 + 64,
  reference: 1 + 2,
  'channel-claim': 1 + 32 + 64 + 8 + 64,
  evidence: 1 + 4 + 8 + 2 * (1 + 32 + 64),
};

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
  if (unlock.kind === 'evidence') {
    writeEvidence(writer, unlock);
    return;
  }
  writer.fixed(unlock.publicKey, 32);
  writer.fixed(unlock.signature, 64);
  if (unlock.kind === 'channel-claim') {
    writer.u64(unlock.cumulative);
    writer.fixed(unlock.voucherSignature, 64);
  }
}

function writeEvidence(writer: Writer, { epoch, view, statements }: EvidenceUnlock): void {
  assert(compareStatements(...statements) < 0, 'statements ascend');
  writer.u32(epoch);
  writer.u64(view);
  for (const { kind, digest, signature } of statements) {
    writer.u8(STATEMENT_KINDS[kind]);
    writer.fixed(digest, 32);
    writer.fixed(signature, 64);
  }
}

function readEvidence(reader: Reader): EvidenceUnlock {
  const [epoch, view] = [reader.u32(), reader.u64()];
  const statements = [readSignedDigest(reader), readSignedDigest(reader)] as const;
  if (compareStatements(...statements) >= 0) refuse('not-canonical');
  return { kind: 'evidence', epoch, view, statements };
}

function readSignedDigest(reader: Reader): SignedDigest {
  return {
    kind: readStatementKind(reader),
    digest: reader.bytes(32),
    signature: reader.bytes(64),
  };
}

/** The order of an evidence's statements: by the kind's number, then by digest. */
export function compareStatements(
  a: Pick<SignedDigest, 'kind' | 'digest'>,
  b: Pick<SignedDigest, 'kind' | 'digest'>,
): number {
  const byKind = STATEMENT_KINDS[a.kind] - STATEMENT_KINDS[b.kind];
  return byKind === 0 ? compareBytes(a.digest, b.digest) : byKind;
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
    case UNLOCK_TYPE.evidence:
      return readEvidence(reader);
    default:
      return refuse('unlock-type-unknown');
  }
}
