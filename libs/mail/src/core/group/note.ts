/**
 * The notes of a group that travel in letters of kind `control`: the seed of a member's sending
 * chain, signed changes (one, or a part of the history), the request for changes, and a message
 * for a member who does not watch our chain yet. Stop before: chain/note.ts, group/log.ts; next:
 * letter/letter.ts. Spec: docs/spec/27-group.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import type { ChainSeedNote } from '../chain/note.ts';
import { readSeed, writeSeed } from '../chain/note.ts';
import type { LetterId } from '../letter/content.ts';
import { LETTER_ID_LENGTH, letterIdFromBytes } from '../letter/content.ts';
import { MAX_TEXT_SIZE } from '../limits.ts';
import { assert, fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { ChangeId, GroupChange, GroupId } from './change.ts';
import { CHANGE_ID_LENGTH, decodeChange, encodeChange, MAX_CHANGE_SIZE } from './change.ts';
import { readHeads, writeHeads } from './change.ts';
import { MAX_FRAME_OVERHEAD } from './frame.ts';

/** First byte of every note of a group. */
export const GROUP_NOTE_FAMILY = 0xc2;
const NOTE_VERSION = 1;
const TYPE_SEED = 1;
const TYPE_CHANGES = 2;
const TYPE_HISTORY_REQUEST = 3;
const TYPE_MESSAGE = 4;
/** Changes of one note: a longer history goes in several letters. */
export const MAX_NOTE_CHANGES = 64;
/** Bytes of changes in one note, so that it fits a letter. */
export const MAX_NOTE_CHANGE_BYTES = 20_000;
const MAX_FRAME_SIZE = MAX_FRAME_OVERHEAD + MAX_TEXT_SIZE;
/** The longest note: a full one of changes. */
export const MAX_GROUP_NOTE_SIZE = 3 + CHANGE_ID_LENGTH + 1 + MAX_NOTE_CHANGE_BYTES;

/** A new chain of the sender's for the group, whose id is the seed's `audience`. */
export interface GroupSeedNote {
  readonly type: 'seed';
  readonly seed: ChainSeedNote;
}

/** Changes, each behind what it stands on where both are in this note. */
export interface GroupChangesNote {
  readonly type: 'changes';
  readonly groupId: GroupId;
  /** 1 to 64. */
  readonly changes: readonly GroupChange[];
}

/** "I hold all under these heads: send me what you hold besides, above all these changes." */
export interface HistoryRequestNote {
  readonly type: 'history-request';
  readonly groupId: GroupId;
  /** Ascending, at most 32; none for one who holds nothing. */
  readonly heads: readonly ChangeId[];
  /** Ascending, at most 32. */
  readonly missing: readonly ChangeId[];
}

/** A message of the group for one member, by letter. */
export interface GroupMessageNote {
  readonly type: 'message';
  /** Of the message, not of this letter. */
  readonly letterId: LetterId;
  /** Unix seconds by the sender's clock: when it was written. */
  readonly sentAt: number;
  /** group/frame.ts: group, heads and text. */
  readonly frame: Uint8Array;
}

export type GroupNote = GroupSeedNote | GroupChangesNote | HistoryRequestNote | GroupMessageNote;

/** The message of a control letter. */
export function encodeGroupNote(note: GroupNote): Uint8Array {
  const writer = new Writer(512);
  writer.u8(GROUP_NOTE_FAMILY);
  writer.u8(NOTE_VERSION);
  switch (note.type) {
    case 'seed':
      writer.u8(TYPE_SEED);
      writeSeed(writer, note.seed);
      break;
    case 'changes':
      writer.u8(TYPE_CHANGES);
      writeChanges(writer, note);
      break;
    case 'history-request':
      writer.u8(TYPE_HISTORY_REQUEST);
      writer.hex(note.groupId, CHANGE_ID_LENGTH);
      writeHeads(writer, note.heads, 0);
      writeHeads(writer, note.missing, 0);
      break;
    case 'message':
      writer.u8(TYPE_MESSAGE);
      writer.hex(note.letterId, LETTER_ID_LENGTH);
      writer.u32(note.sentAt);
      writer.raw(note.frame);
  }
  return writer.finish();
}

/**
 * Reads the message of a control letter; changes are read by form only (group/log.ts verifies
 * them). Codes: `group-note-unknown` (no note of a group, or of a later version or type), as
 * decodeChange, and those of form.
 */
export function decodeGroupNote(bytes: Uint8Array): MailOutcome<GroupNote> {
  const [family, version, type = 0] = bytes;
  const isKnown = type >= TYPE_SEED && type <= TYPE_MESSAGE;
  if (family !== GROUP_NOTE_FAMILY || version !== NOTE_VERSION || !isKnown) {
    return fail('group-note-unknown');
  }
  if (type === TYPE_CHANGES) return decodeChanges(bytes);
  return decodeWith(bytes, MAX_GROUP_NOTE_SIZE, (reader) => {
    reader.view(3);
    if (type === TYPE_SEED) return { type: 'seed' as const, seed: readSeed(reader) };
    return type === TYPE_MESSAGE ? readMessage(reader) : readRequest(reader);
  });
}

/** Changes in as many notes as they need, in the order given. */
export function changesNotes(
  groupId: GroupId,
  changes: readonly GroupChange[],
): GroupChangesNote[] {
  const notes: GroupChange[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const change of changes) {
    const length = 2 + encodeChange(change).length;
    const last = notes.at(-1);
    if (!last || size + length > MAX_NOTE_CHANGE_BYTES || last.length >= MAX_NOTE_CHANGES) {
      notes.push([change]);
      size = length;
    } else {
      last.push(change);
      size += length;
    }
  }
  return notes.map((part) => ({ type: 'changes', groupId, changes: part }));
}

function writeChanges(writer: Writer, { groupId, changes }: GroupChangesNote): void {
  writer.hex(groupId, CHANGE_ID_LENGTH);
  writer.count8(changes.length, 1, MAX_NOTE_CHANGES);
  let size = 0;
  for (const change of changes) {
    const bytes = encodeChange(change);
    size += 2 + bytes.length;
    writer.u16(bytes.length);
    writer.raw(bytes);
  }
  assert(size <= MAX_NOTE_CHANGE_BYTES, 'a note of ours fits a letter');
}

function decodeChanges(bytes: Uint8Array): MailOutcome<GroupChangesNote> {
  const parts = decodeWith(bytes, MAX_GROUP_NOTE_SIZE, (reader) => {
    reader.view(3);
    const groupId = bytesToHex(reader.view(CHANGE_ID_LENGTH)) as GroupId;
    const list: Uint8Array[] = [];
    for (let left = reader.count8(1, MAX_NOTE_CHANGES); left > 0; left--) {
      list.push(reader.view(reader.count16(1, MAX_CHANGE_SIZE)));
    }
    return { groupId, list };
  });
  if (!parts.ok) return parts;
  const changes: GroupChange[] = [];
  for (const part of parts.value.list) {
    const change = decodeChange(part);
    if (!change.ok) return change;
    changes.push(change.value);
  }
  return { ok: true, value: { type: 'changes', groupId: parts.value.groupId, changes } };
}

function readRequest(reader: Reader): HistoryRequestNote {
  const groupId = reader.hex(CHANGE_ID_LENGTH) as GroupId;
  const heads = readHeads(reader, 0);
  return { type: 'history-request', groupId, heads, missing: readHeads(reader, 0) };
}

function readMessage(reader: Reader): GroupMessageNote {
  const letterId = letterIdFromBytes(reader.view(LETTER_ID_LENGTH));
  const sentAt = reader.u32();
  if (reader.remaining === 0 || reader.remaining > MAX_FRAME_SIZE) refuse('count-out-of-range');
  return { type: 'message', letterId, sentAt, frame: reader.bytes(reader.remaining) };
}
