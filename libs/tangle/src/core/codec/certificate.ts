/**
 * Certificates: what a quorum of the committee signed. Who sits in which seat and how many make a
 * quorum is checked by milestone rules. Spec: docs/spec/04-milestone.md, section "Certificate".
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { assert, type Outcome } from '../outcome.ts';
import { MAX_COMMITTEE } from '../params/limits.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/**
 * What a member may sign, and its number on the wire. `propose` is the leader's signature under its
 * proposal and never makes a certificate; `ratify` says that a milestone is final because one that
 * stands on it is.
 */
export const STATEMENT_KINDS = {
  notarize: 1,
  nullify: 2,
  finalize: 3,
  propose: 4,
  ratify: 5,
} as const;
export type StatementKind = keyof typeof STATEMENT_KINDS;
/** Kinds of which a quorum makes a certificate. */
export type CertificateKind = Exclude<StatementKind, 'propose'>;

/** Bytes of the largest bitmap: one bit for each seat. */
const MAX_BITMAP_LENGTH = MAX_COMMITTEE / 8;
const MAX_CERTIFICATE_SIZE = 1 + 4 + 8 + 32 + 1 + MAX_BITMAP_LENGTH + 1 + MAX_COMMITTEE * 64;

/** The signed statement. */
export interface Statement<Kind extends StatementKind = CertificateKind> {
  readonly kind: Kind;
  /** u32. */
  readonly epoch: number;
  /** u64. */
  readonly view: bigint;
  /** The milestone's id as 32 bytes; zero for 'nullify'. */
  readonly digest: Uint8Array;
}

export interface Certificate extends Statement {
  /** Bytes of the bitmap on the wire, ceil(committee size / 8), 1–4: {@link bitmapLengthOf}. */
  readonly bitmapLength: number;
  /** Seat numbers, ascending, below 8 × bitmapLength. */
  readonly signers: readonly number[];
  /** One of 64 bytes for each signer, in their order. */
  readonly signatures: readonly Uint8Array[];
}

const SIGNING_DOMAIN = utf8ToBytes('TM1');

/** The bitmap length that belongs to a committee of `committeeSize` (1–32) seats. */
export function bitmapLengthOf(committeeSize: number): number {
  return Math.ceil(committeeSize / 8);
}

/** What a member signs: "TM1" | networkId u64 | kind u8 | epoch u32 | view u64 | digest 32. */
export function signedMessage(
  networkId: bigint,
  kind: StatementKind,
  epoch: number,
  view: bigint,
  digest: Uint8Array,
): Uint8Array {
  const writer = new Writer(SIGNING_DOMAIN.length + 8 + 1 + 4 + 8 + 32);
  writer.raw(SIGNING_DOMAIN);
  writer.u64(networkId);
  writer.u8(STATEMENT_KINDS[kind]);
  writer.u32(epoch);
  writer.u64(view);
  writer.fixed(digest, 32);
  return writer.finish();
}

/** Writes one certificate. */
export function writeCertificate(writer: Writer, certificate: Certificate): void {
  const { signers, signatures, bitmapLength } = certificate;
  writer.u8(STATEMENT_KINDS[certificate.kind]);
  writer.u32(certificate.epoch);
  writer.u64(certificate.view);
  writer.fixed(certificate.digest, 32);
  writer.count8(bitmapLength, 1, MAX_BITMAP_LENGTH);
  writer.raw(bitmapOf(signers, bitmapLength));
  assert(signatures.length === signers.length, 'one signature for each signer');
  writer.u8(signatures.length);
  for (const signature of signatures) writer.fixed(signature, 64);
}

/** Seat i is bit i % 8 of byte i / 8. */
function bitmapOf(signers: readonly number[], length: number): Uint8Array {
  const bitmap = new Uint8Array(length);
  let previous = -1;
  for (const seat of signers) {
    assert(seat > previous && seat < length * 8, 'signers ascend and have a seat');
    bitmap[seat >> 3]! |= 1 << (seat & 7);
    previous = seat;
  }
  return bitmap;
}

/** Reads one certificate. */
export function readCertificate(reader: Reader): Certificate {
  const kind = readKind(reader);
  const epoch = reader.u32();
  const view = reader.u64();
  const digest = reader.bytes(32);
  if (kind === 'nullify' && digest.some((byte) => byte !== 0)) refuse('not-canonical');
  const bitmapLength = reader.count8(1, MAX_BITMAP_LENGTH);
  const signers = seatsOf(reader.view(bitmapLength));
  // The count repeats what the bitmap says; a second opinion would be a second encoding.
  if (reader.u8() !== signers.length) refuse('not-canonical');
  const signatures = signers.map(() => reader.bytes(64));
  return { kind, epoch, view, digest, bitmapLength, signers, signatures };
}

/** The kind of a vote or certificate. */
export function readKind(reader: Reader): CertificateKind {
  const kind = readStatementKind(reader);
  return kind === 'propose' ? refuse('certificate-kind-unknown') : kind;
}

/** The kind of any statement. */
export function readStatementKind(reader: Reader): StatementKind {
  switch (reader.u8()) {
    case STATEMENT_KINDS.notarize:
      return 'notarize';
    case STATEMENT_KINDS.nullify:
      return 'nullify';
    case STATEMENT_KINDS.finalize:
      return 'finalize';
    case STATEMENT_KINDS.propose:
      return 'propose';
    case STATEMENT_KINDS.ratify:
      return 'ratify';
    default:
      return refuse('certificate-kind-unknown');
  }
}

function seatsOf(bitmap: Uint8Array): number[] {
  const seats: number[] = [];
  for (let seat = 0; seat < bitmap.length * 8; seat++) {
    if ((bitmap[seat >> 3]! & (1 << (seat & 7))) !== 0) seats.push(seat);
  }
  return seats;
}

/** One certificate's bytes. */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  const writer = new Writer(
    1 + 4 + 8 + 32 + 1 + certificate.bitmapLength + 1 + certificate.signatures.length * 64,
  );
  writeCertificate(writer, certificate);
  return writer.finish();
}

/** Decodes one certificate: form only, no signature is checked. */
export function decodeCertificate(bytes: Uint8Array): Outcome<Certificate> {
  return decodeWith(bytes, MAX_CERTIFICATE_SIZE, readCertificate);
}
