/**
 * The bytes of `votes.log`: a header, and frames of which each was one write. Only the last frame
 * can be torn, for the next is written when the disk has it.
 * Path: vote-log.ts → here → vote-disk.ts. Spec: docs/spec/16-signer.md §2.
 */
import {
  STATEMENT_KINDS,
  type Certificate,
  type StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeWith, refuse, type Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { SilenceReason } from './seat-memory.ts';
import { VoteError } from './vote-error.ts';

/** Whose votes a log holds. */
export interface VoteOwner {
  readonly networkId: bigint;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A view of an epoch; the order is by epoch, then view. */
export interface Place {
  readonly epoch: number;
  readonly view: bigint;
}

/** Whether the log holds all that its seat said from a place on, or the seat must be silent. */
export type Completeness =
  | { readonly type: 'complete'; readonly from: Place }
  | { readonly type: 'silent'; readonly reason: SilenceReason };

export type VoteEntry =
  | { readonly type: 'statement'; readonly statement: SignedStatement }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  | Completeness;

/** What a file holds. */
export interface StoredVotes {
  readonly owner: VoteOwner;
  readonly entries: readonly VoteEntry[];
  /** Bytes up to the end of the last whole frame; what follows was never synced. */
  readonly sizeBytes: number;
}

const MAGIC = Uint8Array.of(0x54, 0x4d, 0x56, 0x31); // "TMV1"
const HEADER_SIZE = 4 + 8 + 32;
/** Length u32 and checksum. */
const FRAME_HEAD = 4 + 8;
const CHECKSUM_SIZE = 8;
/** What a disk writes whole or not at all. */
const SECTOR_SIZE = 512;
/** Bytes of a frame's body. Larger groups are written as several frames, one after the other. */
export const MAX_FRAME_BODY = 1 << 20;

const TYPES = { statement: 1, certificate: 2, complete: 3, silent: 4 } as const;
const REASONS = { 'log-missing': 1, 'log-behind': 2, imported: 3 } as const;

/** True when `a` lies before `b`. */
export function isBefore(a: Place, b: Place): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.view < b.view);
}

/** The first bytes of a file. */
export function encodeOwner({ networkId, publicKey }: VoteOwner): Uint8Array {
  const writer = new Writer(HEADER_SIZE);
  writer.raw(MAGIC);
  writer.u64(networkId);
  writer.fixed(publicKey, 32);
  return writer.finish();
}

/** The frames for `entries`, in order; one unless they are many. */
export function encodeFrames(entries: readonly VoteEntry[], hasher: Hasher): Uint8Array[] {
  const bodies: Uint8Array[][] = [];
  let room = 0;
  for (const entry of entries) {
    const bytes = encodeEntry(entry);
    if (bytes.length > room) {
      bodies.push([]);
      room = MAX_FRAME_BODY;
    }
    bodies.at(-1)?.push(bytes);
    room -= bytes.length;
  }
  return bodies.map((parts) => frameOf(new Uint8Array(Buffer.concat(parts)), hasher));
}

function frameOf(body: Uint8Array, hasher: Hasher): Uint8Array {
  const writer = new Writer(FRAME_HEAD + body.length);
  writer.u32(body.length);
  writer.raw(checksumOf(body, hasher));
  writer.raw(body);
  return writer.finish();
}

function checksumOf(body: Uint8Array, hasher: Hasher): Uint8Array {
  return hasher.blake2b256(body).subarray(0, CHECKSUM_SIZE);
}

function encodeEntry(entry: VoteEntry): Uint8Array {
  const writer = new Writer(64);
  writer.u8(TYPES[entry.type]);
  switch (entry.type) {
    case 'statement':
      writeStatement(writer, entry.statement);
      break;
    case 'certificate':
      writeMessage(writer, entry);
      break;
    case 'complete':
      writer.u32(entry.from.epoch);
      writer.u64(entry.from.view);
      break;
    case 'silent':
      writer.u8(REASONS[entry.reason]);
      break;
  }
  return writer.finish();
}

function writeStatement(writer: Writer, statement: SignedStatement): void {
  const { kind, epoch, view, digest, proposal } = statement;
  writer.u8(STATEMENT_KINDS[kind]);
  writer.u32(epoch);
  writer.u64(view);
  writer.fixed(digest, 32);
  writer.u8(proposal === undefined ? 0 : 1);
  if (proposal !== undefined) writeMessage(writer, { type: 'proposal', proposal });
}

function writeMessage(writer: Writer, message: ConsensusMessage): void {
  const bytes = encodeConsensusMessage(message);
  writer.u16(bytes.length);
  writer.raw(bytes);
}

/**
 * Reads a whole file. A torn end is left out; throws VoteError for anything else that is wrong,
 * `path` is for its message.
 */
export function readVotes(bytes: Uint8Array, path: string, hasher: Hasher): StoredVotes {
  const owner = ownerOf(bytes, path);
  const entries: VoteEntry[] = [];
  let at = HEADER_SIZE;
  while (at < bytes.length) {
    const body = bodyAt(bytes, at, hasher);
    if (body === undefined) {
      if (isTorn(bytes, at, hasher)) break;
      throw new VoteError(`${path} is damaged at byte ${at}: ${ADVICE}`);
    }
    const decoded = decodeWith(body, MAX_FRAME_BODY, readEntries);
    if (!decoded.ok) throw new VoteError(`${path} was written by another version`);
    for (const entry of decoded.value) entries.push(entry);
    at += FRAME_HEAD + body.length;
  }
  return { owner, entries, sizeBytes: at };
}

const ADVICE = 'a validator does not sign without its memory, see docs/spec/16-signer.md §4';

function ownerOf(bytes: Uint8Array, path: string): VoteOwner {
  const isLog = bytes.length >= HEADER_SIZE && MAGIC.every((byte, index) => bytes[index] === byte);
  if (!isLog) throw new VoteError(`${path} is no log of votes: ${ADVICE}`);
  const networkId = viewOf(bytes).getBigUint64(MAGIC.length, true);
  return { networkId, publicKey: bytes.slice(MAGIC.length + 8, HEADER_SIZE) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The body's length by the frame at `at`; undefined if that can be none. */
function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  if (at + FRAME_HEAD > bytes.length) return undefined;
  const length = viewOf(bytes).getUint32(at, true);
  return length > 0 && length <= MAX_FRAME_BODY ? length : undefined;
}

function bodyAt(bytes: Uint8Array, at: number, hasher: Hasher): Uint8Array | undefined {
  const length = lengthAt(bytes, at);
  if (length === undefined || at + FRAME_HEAD + length > bytes.length) return undefined;
  const body = bytes.subarray(at + FRAME_HEAD, at + FRAME_HEAD + length);
  const checksum = bytes.subarray(at + 4, at + FRAME_HEAD);
  return Buffer.compare(checksum, checksumOf(body, hasher)) === 0 ? body : undefined;
}

/**
 * Whether the bad frame at `at` can be a write that the power cut: then it is the last, and nothing
 * lies behind it. Sectors reach the disk in any order, so its length may be zero, or half of it if
 * it lies in two sectors.
 */
function isTorn(bytes: Uint8Array, at: number, hasher: Hasher): boolean {
  if (bytes.length - at > FRAME_HEAD + MAX_FRAME_BODY) return false;
  const length = lengthAt(bytes, at);
  const isWhole = Math.floor(at / SECTOR_SIZE) === Math.floor((at + 3) / SECTOR_SIZE);
  if (length !== undefined && isWhole && at + FRAME_HEAD + length < bytes.length) return false;
  for (let next = at + 1; next + FRAME_HEAD < bytes.length; next++) {
    // Cheap before dear: most bytes are the type of no entry.
    const type = bytes[next + FRAME_HEAD] ?? 0;
    if (type >= 1 && type <= 4 && bodyAt(bytes, next, hasher) !== undefined) return false;
  }
  return true;
}

function readEntries(reader: Reader): VoteEntry[] {
  const entries: VoteEntry[] = [];
  while (reader.remaining > 0) entries.push(readEntry(reader));
  return entries;
}

function readEntry(reader: Reader): VoteEntry {
  switch (reader.u8()) {
    case TYPES.statement:
      return { type: 'statement', statement: readStatement(reader) };
    case TYPES.certificate: {
      const message = readMessage(reader);
      return message.type === 'certificate' ? message : refuse('not-canonical');
    }
    case TYPES.complete:
      return { type: 'complete', from: { epoch: reader.u32(), view: reader.u64() } };
    case TYPES.silent:
      return { type: 'silent', reason: keyOf(REASONS, reader.u8()) };
    default:
      return refuse('not-canonical');
  }
}

function readStatement(reader: Reader): SignedStatement {
  const kind: StatementKind = keyOf(STATEMENT_KINDS, reader.u8());
  const [epoch, view, digest] = [reader.u32(), reader.u64(), reader.bytes(32)];
  const flag = reader.u8();
  if (flag === 0) return { kind, epoch, view, digest };
  const message = readMessage(reader);
  if (flag !== 1 || message.type !== 'proposal') return refuse('not-canonical');
  return { kind, epoch, view, digest, proposal: message.proposal };
}

function readMessage(reader: Reader): ConsensusMessage {
  const message = decodeConsensusMessage(reader.bytes(reader.u16()));
  return message.ok ? message.value : refuse(message.code);
}

function keyOf<Key extends string>(table: Readonly<Record<Key, number>>, value: number): Key {
  for (const key in table) if (table[key] === value) return key;
  return refuse('not-canonical');
}

/** Whether two logs have one owner; else throws VoteError. */
export function checkOwner(found: VoteOwner, owner: VoteOwner, path: string): void {
  if (found.networkId !== owner.networkId) {
    const id = found.networkId.toString(16).padStart(16, '0');
    throw new VoteError(`${path} holds the votes of another network: ${id}`);
  }
  const key = bytesToHex(found.publicKey);
  if (key !== bytesToHex(owner.publicKey)) {
    throw new VoteError(`${path} holds the votes of another key: ${key}`);
  }
}
