/**
 * The state of one folder as IMAP shows it: UIDs, flags, modification numbers. Every change is
 * first a diff, which the shell writes in one batch together with the message index, and then
 * applies; so a crash leaves either all of it or nothing. Stop before: letter/letter.ts (an opened
 * letter); next: io/imap. Spec: docs/spec/23-envelope.md, section "Folder"; RFC 3501, 4315, 7162.
 */
import { assert } from '../outcome.ts';

/** Expunged UIDs remembered for QRESYNC; a client that was away longer resynchronises in full. */
export const MAX_EXPUNGED = 10_000;
/** Flags of one message; bounds what a mail program can store as keywords. */
export const MAX_FLAGS = 64;
const MAX_UID = 0xffff_ffff;

/** One message in one folder. Its bytes lie elsewhere, under `emailId`. */
export interface FolderMessage {
  /** 1 to 2^32 − 1, ascending in order of arrival, never used again. */
  readonly uid: number;
  /** What makes a message the same message: sender and letter id, or a hash for local copies. */
  readonly messageKey: string;
  /** Hash of the message's bytes: their key in the store, and IMAP's EMAILID. */
  readonly emailId: string;
  readonly sizeBytes: number;
  /** Unix seconds. */
  readonly internalDate: number;
  /** Unix seconds at which it came into this folder, where that is known (RFC 8514). */
  readonly savedAt?: number | undefined;
  /** Sorted, each once; system flags as `\Seen`, keywords as written. */
  readonly flags: readonly string[];
  /** The folder's modification number at its last change; below 2^53. */
  readonly modseq: number;
}

export interface ExpungedUid {
  readonly uid: number;
  readonly modseq: number;
}

/** What a change looks at: a folder, or one with changes that are not written yet. */
export interface FolderView<M extends FolderMessage = FolderMessage> {
  readonly uidNext: number;
  readonly modseq: number;
  readonly firstRecentUid: number;
  readonly expungedFloor: number;
  readonly expunged: readonly ExpungedUid[];
  readonly messages: { get(uid: number): M | undefined };
  readonly uidByKey: { get(messageKey: string): number | undefined };
}

/** A folder in memory; the shell may keep facts of its own beside each message's. */
export interface Folder<M extends FolderMessage = FolderMessage> extends FolderView<M> {
  /** From a counter of the whole account, never a constant, never reset. */
  readonly uidValidity: number;
  uidNext: number;
  /** HIGHESTMODSEQ. */
  modseq: number;
  /** The first UID that no session has been told of as recent. */
  firstRecentUid: number;
  /** By UID, ascending. */
  readonly messages: Map<number, M>;
  /** UID by message key: an arrival that is repeated is found here. */
  readonly uidByKey: Map<string, number>;
  /** Newest last, at most MAX_EXPUNGED. */
  readonly expunged: ExpungedUid[];
  /** Expunges up to this modification number may have been forgotten. */
  expungedFloor: number;
}

/** What changes; every number is the one after the change. */
export interface FolderDiff<M extends FolderMessage = FolderMessage> {
  readonly uidNext: number;
  readonly modseq: number;
  readonly firstRecentUid: number;
  /** Remembered expunges up to this modification number are to be forgotten. */
  readonly expungedFloor: number;
  /** New or changed messages. */
  readonly put: readonly M[];
  readonly expunged: readonly ExpungedUid[];
}

/** A message that arrives; the folder gives it its UID and modification number. */
export type NewMessage<M extends FolderMessage = FolderMessage> = Omit<M, 'uid' | 'modseq'>;

export type FlagChange = 'add' | 'remove' | 'set';

/** An empty folder. `uidValidity` 1 to 2^32 − 1. */
export function newFolder<M extends FolderMessage = FolderMessage>(uidValidity: number): Folder<M> {
  return {
    uidValidity,
    uidNext: 1,
    modseq: 1,
    firstRecentUid: 1,
    messages: new Map(),
    uidByKey: new Map(),
    expunged: [],
    expungedFloor: 0,
  };
}

/** A folder from its stored records, in any order. */
export function restoreFolder<M extends FolderMessage = FolderMessage>(
  stored: Pick<Folder, 'uidValidity' | 'uidNext' | 'modseq' | 'firstRecentUid' | 'expungedFloor'>,
  messages: readonly M[],
  expunged: readonly ExpungedUid[],
): Folder<M> {
  const sorted = messages.toSorted((a, b) => a.uid - b.uid);
  return {
    ...stored,
    messages: new Map(sorted.map((one) => [one.uid, one])),
    uidByKey: new Map(sorted.map((one) => [one.messageKey, one.uid])),
    expunged: expunged.toSorted((a, b) => a.modseq - b.modseq || a.uid - b.uid),
  };
}

function diffOf<M extends FolderMessage>(
  folder: FolderView<M>,
  change: Partial<FolderDiff<M>>,
): FolderDiff<M> {
  const { uidNext, modseq, firstRecentUid, expungedFloor } = folder;
  return { uidNext, modseq, firstRecentUid, expungedFloor, put: [], expunged: [], ...change };
}

/**
 * Adds a message, once: a message key that is there already gives its UID and no diff. The same
 * mail may come from three providers and a node.
 */
export function appendMessage<M extends FolderMessage>(
  folder: FolderView<M>,
  message: NewMessage<M>,
): { uid: number; diff?: FolderDiff<M> } {
  const known = folder.uidByKey.get(message.messageKey);
  if (known !== undefined) return { uid: known };
  const uid = folder.uidNext;
  assert(uid <= MAX_UID, 'a folder never runs out of UIDs');
  const modseq = folder.modseq + 1;
  const flags = sortedFlags(message.flags);
  // TypeScript cannot see that a message without two fields, with them again, is a message.
  const put = [{ ...message, flags, uid, modseq } as unknown as M];
  return { uid, diff: diffOf(folder, { uidNext: uid + 1, modseq, put }) };
}

/**
 * Changes flags. UIDs that are not there are left out. With `unchangedSince` (RFC 7162), messages
 * changed later stay as they are and are named in `modified`. A change that changes nothing gives
 * no diff. Flags beyond MAX_FLAGS are not taken up.
 */
export function changeFlags<M extends FolderMessage>(
  folder: FolderView<M>,
  uids: readonly number[],
  change: FlagChange,
  flags: readonly string[],
  unchangedSince = Number.MAX_SAFE_INTEGER,
): { modified: number[]; diff?: FolderDiff<M> } {
  const modseq = folder.modseq + 1;
  const modified: number[] = [];
  const put: M[] = [];
  for (const uid of new Set(uids)) {
    const message = folder.messages.get(uid);
    if (!message) continue;
    const after = flagsAfter(message.flags, change, flags);
    if (message.modseq > unchangedSince) modified.push(uid);
    else if (after.join(' ') !== message.flags.join(' '))
      put.push({ ...message, flags: after, modseq });
  }
  return put.length > 0 ? { modified, diff: diffOf(folder, { modseq, put }) } : { modified };
}

/** The flags that a message with those of `before` has after a change. */
export function flagsAfter(
  before: readonly string[],
  change: FlagChange,
  flags: readonly string[],
): string[] {
  return sortedFlags(changedFlags(before, change, flags));
}

function changedFlags(
  before: readonly string[],
  change: FlagChange,
  flags: readonly string[],
): readonly string[] {
  if (change === 'set') return flags;
  if (change === 'add') return [...before, ...flags];
  const gone = new Set(flags.map(flagKey));
  return before.filter((flag) => !gone.has(flagKey(flag)));
}

/** RFC 3501: flags do not differ by case. */
function flagKey(flag: string): string {
  return flag.toLowerCase();
}

const SYSTEM_FLAGS = ['\\Answered', '\\Deleted', '\\Draft', '\\Flagged', '\\Seen'];

/** Each flag once, system flags in their own spelling, sorted; \Recent is never stored. */
function sortedFlags(flags: readonly string[]): string[] {
  const byKey = new Map<string, string>();
  for (const flag of flags) {
    const spelling = SYSTEM_FLAGS.find((one) => flagKey(one) === flagKey(flag)) ?? flag;
    const isNew = !byKey.has(flagKey(flag)) && flagKey(flag) !== '\\recent';
    if (isNew && byKey.size < MAX_FLAGS) byKey.set(flagKey(flag), spelling);
  }
  return [...byKey.values()].toSorted();
}

/** Whether a message carries a flag, whatever its case. */
export function hasFlag(message: FolderMessage, flag: string): boolean {
  return message.flags.some((one) => flagKey(one) === flagKey(flag));
}

/** Removes messages for ever; UIDs that are not there are left out. No diff if nothing goes. */
export function expungeMessages<M extends FolderMessage>(
  folder: FolderView<M>,
  uids: readonly number[],
): FolderDiff<M> | undefined {
  const modseq = folder.modseq + 1;
  const gone = [...new Set(uids)]
    .filter((uid) => folder.messages.get(uid) !== undefined)
    .toSorted((a, b) => a - b);
  if (gone.length === 0) return undefined;
  const expunged = gone.map((uid) => ({ uid, modseq }));
  const excess = folder.expunged.length + gone.length - MAX_EXPUNGED;
  if (excess <= 0) return diffOf(folder, { modseq, expunged });
  // Whole changes are forgotten, so the floor is the number of the last one that must go.
  const expungedFloor = folder.expunged[excess - 1]?.modseq ?? modseq;
  return diffOf(folder, { modseq, expunged, expungedFloor });
}

/** Hands the recent messages to the session that asks first (RFC 3501 section 2.3.2). */
export function claimRecent<M extends FolderMessage>(
  folder: FolderView<M>,
): { fromUid: number; diff?: FolderDiff<M> } {
  const fromUid = folder.firstRecentUid;
  if (fromUid === folder.uidNext) return { fromUid };
  return { fromUid, diff: diffOf(folder, { firstRecentUid: folder.uidNext }) };
}

/** Takes a diff up, after the shell has written it. */
export function applyFolderDiff<M extends FolderMessage>(
  folder: Folder<M>,
  diff: FolderDiff<M>,
): void {
  assert(diff.modseq >= folder.modseq, 'a folder only moves on');
  assert(diff.uidNext >= folder.uidNext, 'a UID is never given twice');
  folder.uidNext = diff.uidNext;
  folder.modseq = diff.modseq;
  folder.firstRecentUid = diff.firstRecentUid;
  for (const message of diff.put) {
    folder.messages.set(message.uid, message);
    folder.uidByKey.set(message.messageKey, message.uid);
  }
  for (const { uid, modseq } of diff.expunged) {
    const message = folder.messages.get(uid);
    if (message) folder.uidByKey.delete(message.messageKey);
    folder.messages.delete(uid);
    folder.expunged.push({ uid, modseq });
  }
  folder.expungedFloor = diff.expungedFloor;
  const kept = folder.expunged.findIndex((one) => one.modseq > diff.expungedFloor);
  folder.expunged.splice(0, kept < 0 ? folder.expunged.length : kept);
}

/**
 * What happened after modification number `modseq`: changed messages and vanished UIDs, ascending.
 * `isComplete` is false when expunges of that time may have been forgotten; the caller then names
 * every UID that is not there as vanished (RFC 7162 section 3.2.5.1).
 */
export function changesSince<M extends FolderMessage>(
  folder: Folder<M>,
  modseq: number,
): { changed: M[]; vanished: number[]; isComplete: boolean } {
  const changed = [...folder.messages.values()].filter((one) => one.modseq > modseq);
  const vanished = folder.expunged.filter((one) => one.modseq > modseq).map((one) => one.uid);
  const isComplete = modseq >= folder.expungedFloor;
  return { changed, vanished: vanished.toSorted((a, b) => a - b), isComplete };
}
