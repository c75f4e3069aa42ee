/**
 * The log of a mailbox: an append-only, hash-chained list of what happened to its objects, with a
 * signed head. A provider that shows two histories has signed the contradiction.
 * Spec: docs/spec/33-mailbox.md.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { Mailbox } from './mailbox.ts';
import { OBJECT_STATES } from './stored-object.ts';
import type { ObjectState } from './stored-object.ts';

/** Bytes of an entry on the wire and in the store. */
export const LOG_ENTRY_SIZE = 8 + 32 + 4 + 4 + 1 + 4;
const CHAIN_DOMAIN = utf8ToBytes('tmail/log/v1\0');
const HEAD_DOMAIN = utf8ToBytes('tmail/head/v1\0');
const STATE_NAMES = Object.keys(OBJECT_STATES) as ObjectState[];

export interface LogEntry {
  /** Position, from 0 without gaps. */
  readonly seq: number;
  /** Segment-tree root of the object, 32 bytes. */
  readonly root: Uint8Array;
  readonly size: number;
  /** Ledger time of the event, unix seconds. */
  readonly milestoneTime: number;
  /** State that the object entered. */
  readonly state: ObjectState;
  /** Base units debited for it; 0 where nothing was. u32, saturated. */
  readonly cost: number;
}

/** `seq u64 | root 32 | size u32 | milestoneTime u32 | state u8 | cost u32`. */
export function encodeLogEntry(entry: LogEntry): Uint8Array {
  const writer = new Writer(LOG_ENTRY_SIZE);
  writer.u53(entry.seq);
  writer.fixed(entry.root, 32);
  writer.u32(entry.size);
  writer.u32(entry.milestoneTime);
  writer.u8(OBJECT_STATES[entry.state]);
  writer.u32(entry.cost);
  return writer.finish();
}

export function decodeLogEntry(bytes: Uint8Array): Outcome<LogEntry> {
  return decodeWith(bytes, LOG_ENTRY_SIZE, (reader) => ({
    seq: reader.u53(),
    root: reader.bytes(32),
    size: reader.u32(),
    milestoneTime: reader.u32(),
    state: STATE_NAMES[reader.u8()] ?? refuse('not-canonical', 'state'),
    cost: reader.u32(),
  }));
}

/** `H("tmail/log/v1\0" ‖ previous 32 ‖ entry 53)`; previous is zero before the first entry. */
export function chainHash(previous: Uint8Array, entry: Uint8Array): Uint8Array {
  const writer = new Writer(CHAIN_DOMAIN.length + 32 + LOG_ENTRY_SIZE);
  writer.raw(CHAIN_DOMAIN);
  writer.fixed(previous, 32);
  writer.fixed(entry, LOG_ENTRY_SIZE);
  return sha256(writer.finish());
}

/** Appends one event: the mailbox with its new head, and the entry's bytes for the store. */
export function appendLog(
  mailbox: Mailbox,
  event: {
    root: Uint8Array;
    size: number;
    milestoneTime: number;
    state: ObjectState;
    cost: bigint;
  },
): { readonly mailbox: Mailbox; readonly seq: number; readonly bytes: Uint8Array } {
  const seq = mailbox.logLength;
  const cost = Number(event.cost > 0xffff_ffffn ? 0xffff_ffffn : event.cost);
  const bytes = encodeLogEntry({ ...event, seq, cost });
  const logHead = chainHash(mailbox.logHead, bytes);
  return { mailbox: { ...mailbox, logLength: seq + 1, logHead }, seq, bytes };
}

/** Head of a log, as signed by the provider on every sync. */
export interface LogHead {
  /** 64 hex digits. */
  readonly mailboxId: string;
  /** Number of entries. */
  readonly length: number;
  /** Hash of the last entry; zero when there is none. */
  readonly headHash: Uint8Array;
  /** Ledger time of signing. */
  readonly time: number;
}

export interface SignedLogHead extends LogHead {
  readonly signature: Uint8Array;
}

/**
 * `"tmail/head/v1\0" ‖ networkId u64 ‖ bondId 32 ‖ mailboxId 32 ‖ length u64 ‖ hash 32 ‖
 * time u32`.
 */
export function logHeadMessage(networkId: bigint, bondId: Uint8Array, head: LogHead): Uint8Array {
  const writer = new Writer(HEAD_DOMAIN.length + 116);
  writer.raw(HEAD_DOMAIN);
  writer.u64(networkId);
  writer.fixed(bondId, 32);
  writer.hex(head.mailboxId, 32);
  writer.u53(head.length);
  writer.fixed(head.headHash, 32);
  writer.u32(head.time);
  return writer.finish();
}

export function signLogHead(
  networkId: bigint,
  bondId: Uint8Array,
  head: LogHead,
  bondSecretKey: Uint8Array,
): SignedLogHead {
  return {
    ...head,
    signature: signEd25519(bondSecretKey, logHeadMessage(networkId, bondId, head)),
  };
}

/** Whether the provider has signed this head. */
export function isHeadSigned(
  head: SignedLogHead,
  provider: { networkId: bigint; bondId: Uint8Array; bondPublicKey: Uint8Array },
  verifier: Verifier,
): boolean {
  const message = logHeadMessage(provider.networkId, provider.bondId, head);
  return verifier.verify(provider.bondPublicKey, message, head.signature);
}

/**
 * Follows a page of entries from a known position towards a head. Undefined where that position is
 * no part of this log: entries with gaps, more of them than the head counts, another hash than its.
 */
export function followLog(
  known: { readonly length: number; readonly hash: Uint8Array },
  entries: readonly LogEntry[],
  head: LogHead,
): { readonly length: number; readonly hash: Uint8Array } | undefined {
  let { length, hash } = known;
  for (const entry of entries) {
    if (entry.seq !== length) return undefined;
    hash = chainHash(hash, encodeLogEntry(entry));
    length += 1;
  }
  if (length > head.length) return undefined;
  if (length === head.length && !equalBytes(hash, head.headHash)) return undefined;
  return { length, hash };
}
