/**
 * One signed change of a group: who is in it, who leads it, what it is called. Each names the
 * newest changes that its author had seen, by hash, so that it commits to all that came before.
 * Stop before: identity/certificate.ts; next: group/log.ts. Spec: docs/spec/27-group.md.
 */
import { bytesToUtf8 } from '@noble/ciphers/utils.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { concatBytes, domain, equalBytes, sha256, utf8ToBytes } from '../crypto/kdf.ts';
import type { MailAddress } from '../identity/address.ts';
import { addressOf, MAIL_ADDRESS_LENGTH, mailAddressFromBytes } from '../identity/address.ts';
import { isIdentityCertified } from '../identity/certificate.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { X25519_KEY_LENGTH } from '../ports.ts';

declare const brand: unique symbol;
/** SHA-256 over a change without its signature: 32 bytes as 64 lowercase hex digits. */
export type ChangeId = string & { readonly [brand]: 'ChangeId' };
/** The id of the change that founded the group. */
export type GroupId = ChangeId;

export const CHANGE_ID_LENGTH = 32;
/** Newest changes that one change or frame names: 25 members who all write at once fit. */
export const MAX_HEADS = 32;
/** Bytes of a group's name in UTF-8. */
export const MAX_GROUP_NAME = 64;
/** Bytes of a change: the longest is a promotion or an addition with 32 heads. */
export const MAX_CHANGE_SIZE = 1_295;
const CHANGE_VERSION = 1;
const SIGNATURE_LENGTH = 64;
const GROUP_FIELD_LENGTH = 32;
const SIGNED = domain('tmail/group-change/v1');
const NAMED = domain('tmail/group-id/v1');
const KIND_CODES = {
  create: 1,
  add: 2,
  remove: 3,
  leave: 4,
  rename: 5,
  promote: 6,
  demote: 7,
} as const;
const KINDS = Object.keys(KIND_CODES) as readonly (keyof typeof KIND_CODES)[];

/** A member's keys as the change that brings it in states them; the certificate binds them. */
export interface MemberRecord {
  /** Ed25519, 32 bytes; its hash is the member's address. */
  readonly accountKey: Uint8Array;
  /** X25519, 32 bytes: letters with seeds are sealed to it. */
  readonly identityKey: Uint8Array;
  /** identity/certificate.ts, 64 bytes. */
  readonly certificate: Uint8Array;
}

/** What a change does. */
export type GroupAction =
  | { readonly kind: 'create'; readonly founder: MemberRecord; readonly name: string }
  | { readonly kind: 'add' | 'promote'; readonly member: MemberRecord }
  | { readonly kind: 'remove' | 'demote'; readonly target: MailAddress }
  | { readonly kind: 'leave' }
  | { readonly kind: 'rename'; readonly name: string };

/** Everything but the signature. */
export interface ChangeBody {
  readonly networkId: bigint;
  /** The 32 bytes of the group id; in a founding change 32 random bytes. */
  readonly group: Uint8Array;
  /** Ed25519 account key of the author, 32 bytes. */
  readonly accountKey: Uint8Array;
  /** Number of the author's changes up to this one, from 1. Two with one number prove a lie. */
  readonly sequence: number;
  /** The newest changes that the author knew, ascending; none in a founding change. */
  readonly parents: readonly ChangeId[];
  readonly action: GroupAction;
}

export interface GroupChange extends ChangeBody {
  readonly id: ChangeId;
  /** The author's address, from its account key. */
  readonly author: MailAddress;
  /** Ed25519 by the account key, 64 bytes. */
  readonly signature: Uint8Array;
}

/** Whether a text may name a group: 1–64 bytes of UTF-8, nothing that could disguise it. */
export function isGroupName(name: string): boolean {
  const disguise = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u;
  const size = utf8ToBytes(name).length;
  return size >= 1 && size <= MAX_GROUP_NAME && !disguise.test(name);
}

/** The person that an action is about, if it is about one besides its author. */
export function targetOf(action: GroupAction): MailAddress | undefined {
  if (action.kind === 'add' || action.kind === 'promote') {
    return addressOf(action.member.accountKey);
  }
  return action.kind === 'remove' || action.kind === 'demote' ? action.target : undefined;
}

/** Signs a change of our own, so a field that breaks a rule is a broken invariant. */
export function signChange(body: ChangeBody, accountSecret: Uint8Array): GroupChange {
  assert(hasSoundName(body.action), 'a group name of our own is sound');
  assert(isSoundOrigin(body), 'only a founding change has no parents, and its founder wrote it');
  const unsigned = encodeUnsigned(body);
  const signature = signEd25519(accountSecret, concatBytes(SIGNED, unsigned));
  return complete(body, unsigned, signature);
}

export function encodeChange(change: GroupChange): Uint8Array {
  return concatBytes(encodeUnsigned(change), change.signature);
}

/**
 * Form only; `verifyChange` must follow. Codes: those of form, `group-kind-unknown`, `group-name`.
 */
export function decodeChange(bytes: Uint8Array): MailOutcome<GroupChange> {
  if (bytes.length > MAX_CHANGE_SIZE) return fail('too-large');
  const isOurs = bytes[0] === CHANGE_VERSION && KINDS.some((one) => KIND_CODES[one] === bytes[1]);
  if (bytes.length > 1 && !isOurs) return fail('group-kind-unknown');
  const decoded = decodeWith(bytes, MAX_CHANGE_SIZE, readChange);
  if (!decoded.ok) return decoded;
  return hasSoundName(decoded.value.action) ? decoded : fail('group-name');
}

/**
 * Whether a decoded change was written by the account that it names, for this network, about a
 * member whose keys belong together. Codes: `group-network`, `group-signature`,
 * `certificate-invalid`.
 */
export function verifyChange(
  change: GroupChange,
  networkId: bigint,
  verifier: Verifier,
): MailOutcome<GroupChange> {
  if (change.networkId !== networkId) return fail('group-network');
  const message = concatBytes(SIGNED, encodeUnsigned(change));
  if (!verifier.verify(change.accountKey, message, change.signature)) {
    return fail('group-signature');
  }
  const record = recordOf(change.action);
  if (record === undefined) return succeed(change);
  const { accountKey, identityKey, certificate } = record;
  const isBound = isIdentityCertified(networkId, accountKey, identityKey, certificate, verifier);
  return isBound ? succeed(change) : fail('certificate-invalid');
}

/**
 * Whether two verified changes prove that their author told two stories: an honest one knows its
 * own last change and counts on from it.
 */
export function isEquivocation(one: GroupChange, other: GroupChange): boolean {
  return (
    one.id !== other.id &&
    one.author === other.author &&
    one.sequence === other.sequence &&
    one.action.kind !== 'create' &&
    other.action.kind !== 'create' &&
    equalBytes(one.group, other.group)
  );
}

/** The keys that an action brings along, if any. */
export function recordOf(action: GroupAction): MemberRecord | undefined {
  if (action.kind === 'create') return action.founder;
  return action.kind === 'add' || action.kind === 'promote' ? action.member : undefined;
}

/** Writes the heads of a change or frame: count u8, then 32 bytes each. */
export function writeHeads(writer: Writer, heads: readonly ChangeId[], minimum: number): void {
  writer.count8(heads.length, minimum, MAX_HEADS);
  for (const id of heads) writer.hex(id, CHANGE_ID_LENGTH);
}

/** Reads heads, which must ascend: one way only to write a set. */
export function readHeads(reader: Reader, minimum: number): ChangeId[] {
  const count = reader.count8(minimum, MAX_HEADS);
  const heads = reader.hexList(count, CHANGE_ID_LENGTH) as ChangeId[];
  const isAscending = heads.every((id, index) => index === 0 || id > (heads[index - 1] ?? ''));
  return isAscending ? heads : refuse('not-canonical');
}

function complete(body: ChangeBody, unsigned: Uint8Array, signature: Uint8Array): GroupChange {
  const id = bytesToHex(sha256(concatBytes(NAMED, unsigned))) as ChangeId;
  return { ...body, id, author: addressOf(body.accountKey), signature };
}

function hasSoundName(action: GroupAction): boolean {
  const isNaming = action.kind === 'create' || action.kind === 'rename';
  return !isNaming || isGroupName(action.name);
}

function isSoundOrigin(body: ChangeBody): boolean {
  const { action, parents, sequence } = body;
  if (action.kind !== 'create') return parents.length > 0;
  const isOwn = equalBytes(action.founder.accountKey, body.accountKey);
  return parents.length === 0 && sequence === 1 && isOwn;
}

function encodeUnsigned(body: ChangeBody): Uint8Array {
  const { action } = body;
  const writer = new Writer(512);
  writer.u8(CHANGE_VERSION);
  writer.u8(KIND_CODES[action.kind]);
  writer.u64(body.networkId);
  writer.fixed(body.group, GROUP_FIELD_LENGTH);
  writer.fixed(body.accountKey, 32);
  writer.u32(body.sequence);
  writeHeads(writer, body.parents, 0);
  if (action.kind === 'add' || action.kind === 'promote') {
    writer.fixed(action.member.accountKey, 32);
  }
  const record = recordOf(action);
  if (record) {
    writer.fixed(record.identityKey, X25519_KEY_LENGTH);
    writer.fixed(record.certificate, SIGNATURE_LENGTH);
  }
  if (action.kind === 'create' || action.kind === 'rename') {
    const name = utf8ToBytes(action.name);
    writer.count8(name.length, 1, MAX_GROUP_NAME);
    writer.raw(name);
  }
  if (action.kind === 'remove' || action.kind === 'demote') {
    writer.hex(action.target, MAIL_ADDRESS_LENGTH);
  }
  return writer.finish();
}

function readChange(reader: Reader): GroupChange {
  reader.u8();
  const kindCode = reader.u8();
  const networkId = reader.u64();
  const group = reader.bytes(GROUP_FIELD_LENGTH);
  const accountKey = reader.bytes(32);
  const sequence = reader.u32();
  const parents = readHeads(reader, 0);
  const kind = KINDS.find((one) => KIND_CODES[one] === kindCode);
  assert(kind, 'decodeChange has looked at the kind');
  const action = readAction(reader, kind, accountKey);
  const body = { networkId, group, accountKey, sequence, parents, action };
  if (!isSoundOrigin(body) || sequence === 0) refuse('not-canonical');
  return complete(body, encodeUnsigned(body), reader.bytes(SIGNATURE_LENGTH));
}

function readAction(reader: Reader, kind: GroupAction['kind'], authorKey: Uint8Array): GroupAction {
  switch (kind) {
    case 'create':
      return { kind, founder: readRecord(reader, authorKey), name: readName(reader) };
    case 'add':
    case 'promote':
      return { kind, member: readRecord(reader, reader.bytes(32)) };
    case 'remove':
    case 'demote':
      return { kind, target: mailAddressFromBytes(reader.view(MAIL_ADDRESS_LENGTH)) };
    case 'rename':
      return { kind, name: readName(reader) };
    default:
      return { kind };
  }
}

function readRecord(reader: Reader, accountKey: Uint8Array): MemberRecord {
  const identityKey = reader.bytes(X25519_KEY_LENGTH);
  return { accountKey, identityKey, certificate: reader.bytes(SIGNATURE_LENGTH) };
}

/** Text with bytes that are no UTF-8 would come back otherwise: such a name has no encoding. */
function readName(reader: Reader): string {
  const bytes = reader.bytes(reader.count8(1, MAX_GROUP_NAME));
  const name = bytesToUtf8(bytes);
  return equalBytes(utf8ToBytes(name), bytes) ? name : refuse('not-canonical');
}
