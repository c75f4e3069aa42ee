/**
 * What stands before every message to a group: which group, and the newest changes that its sender
 * had seen. A hash of a change commits to all before it, so a reader sees at once what it lacks
 * and what the sender lacked. Stop before: group/log.ts; next: the sender's chain.
 * Spec: docs/spec/27-group.md.
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { concatBytes, domain, sha256 } from '../crypto/kdf.ts';
import type { MailAddress } from '../identity/address.ts';
import { MAX_MESSAGE_SIZE } from '../limits.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { ChangeId, GroupId } from './change.ts';
import { CHANGE_ID_LENGTH, MAX_HEADS, readHeads, writeHeads } from './change.ts';
import type { GroupLog } from './log.ts';
import { roleOf } from './state.ts';

const FRAME_VERSION = 1;
const STATE = domain('tmail/group-state/v1');
/** Bytes before the message: with one head 66, with 32 heads 1,058. */
export const MAX_FRAME_OVERHEAD = 1 + CHANGE_ID_LENGTH + 1 + MAX_HEADS * CHANGE_ID_LENGTH;

export interface GroupFrame {
  readonly groupId: GroupId;
  /** Ascending, 1 to 32. */
  readonly heads: readonly ChangeId[];
  /** The message; what it is, the sender's chain says. */
  readonly body: Uint8Array;
}

/** What a frame tells its reader. */
export interface FrameReport {
  /** Changes that the sender knew and we do not: ask the sender for them. */
  readonly missing: readonly ChangeId[];
  /** The sender did not know all that we know: it wrote to the group as it was. */
  readonly isBehind: boolean;
  /** Whether the sender is a member now; one who was removed meanwhile is shown as such. */
  readonly isMember: boolean;
}

/** The hash of a state, for people to compare: SHA-256(domain ‖ heads, ascending). */
export function stateHash(heads: readonly ChangeId[]): Uint8Array {
  return sha256(concatBytes(STATE, ...heads.toSorted().map((id) => hexToBytes(id))));
}

export function encodeFrame(frame: GroupFrame): Uint8Array {
  const writer = new Writer(MAX_FRAME_OVERHEAD + frame.body.length);
  writer.u8(FRAME_VERSION);
  writer.hex(frame.groupId, CHANGE_ID_LENGTH);
  writeHeads(writer, frame.heads, 1);
  writer.raw(frame.body);
  return writer.finish();
}

/** Codes: those of form. */
export function decodeFrame(bytes: Uint8Array): MailOutcome<GroupFrame> {
  return decodeWith(bytes, MAX_FRAME_OVERHEAD + MAX_MESSAGE_SIZE, (reader) => {
    if (reader.u8() !== FRAME_VERSION) refuse('version-unknown');
    const groupId = reader.hex(CHANGE_ID_LENGTH) as GroupId;
    const heads = readHeads(reader, 1);
    return { groupId, heads, body: reader.bytes(reader.remaining) };
  });
}

/**
 * Compares a frame from `sender`, which its chain proves, with our log. Codes: `group-other`,
 * `group-not-member` for one who was no member in the very state that it names.
 */
export function readFrame(
  log: GroupLog,
  frame: GroupFrame,
  sender: MailAddress,
): MailOutcome<FrameReport> {
  if (frame.groupId !== log.groupId) return fail('group-other');
  const held = frame.heads.filter((id) => log.has(id));
  const isWhole = held.length === frame.heads.length;
  if (isWhole && roleOf(log.stateAt(held), sender) === undefined) return fail('group-not-member');
  return succeed({
    missing: log.missingOf(frame.heads),
    isBehind: !log.isAllUnder(held),
    isMember: roleOf(log.current(), sender) !== undefined,
  });
}
