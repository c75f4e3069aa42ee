/**
 * What comes in for groups: seeds, changes, requests for history, and messages, from members only.
 * What comes before the group is known, or before we know that its sender is a member, waits,
 * bounded. Before: note-router.ts, chat-inbox.ts; after: group-book.ts, chat-log.ts.
 * Spec: docs/spec/27-group.md, docs/spec/43-chat.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChainSeedNote } from '@tanglemail/mail/core/chain/note.ts';
import {
  type ChangeId,
  type GroupChange,
  type GroupId,
  targetOf,
} from '@tanglemail/mail/core/group/change.ts';
import { decodeFrame, readFrame } from '@tanglemail/mail/core/group/frame.ts';
import type { GroupLog } from '@tanglemail/mail/core/group/log.ts';
import {
  changesNotes,
  decodeGroupNote,
  encodeGroupNote,
  type GroupChangesNote,
  type HistoryRequestNote,
} from '@tanglemail/mail/core/group/note.ts';
import { roleOf } from '@tanglemail/mail/core/group/state.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import type { ControlNote } from '../inbox/note-router.ts';
import type { PendingGroupNote } from '../store/chat-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { applyAll } from '../store/staged-map.ts';
import { type ChatContext } from './chat-context.ts';

/** Who wrote a note, and when it came. */
type From = Pick<ControlNote, 'sender' | 'receivedAtMs'>;

/** A framed text, whichever way it came. */
interface IncomingFrame extends From {
  readonly letterId: LetterId;
  readonly sentAt: number;
  readonly frame: Uint8Array;
  /** The group whose chain carried it; of a letter the frame alone tells. */
  readonly groupId?: string;
}

/** Opens a member's chain: chat-inbox.ts. */
export type OpenChain = (
  batch: SealedBatch,
  sender: MailAddress,
  note: ChainSeedNote,
  receivedAtMs: number,
) => () => void;

/** Between two histories to, or requests of, the same member. */
const EXCHANGE_MS = 600_000;
const MAX_EXCHANGES = 1_024;

export class GroupInbox {
  readonly #context: ChatContext;
  readonly #openChain: OpenChain;
  /** When a history or a request last went to a member. */
  readonly #exchangedAt = new Map<string, number>();

  constructor(context: ChatContext, openChain: OpenChain) {
    this.#context = context;
    this.#openChain = openChain;
  }

  /** Takes a note of family 0xc2. */
  takeNote(batch: SealedBatch, note: Pick<ControlNote, 'body'> & From): () => void {
    const decoded = decodeGroupNote(note.body);
    if (!decoded.ok) return () => {};
    const { value } = decoded;
    switch (value.type) {
      case 'seed': {
        const groupId = bytesToHex(value.seed.audience);
        if (!this.#isMember(groupId, note.sender)) return this.#hold(batch, groupId, note);
        return this.#openChain(batch, note.sender, value.seed, note.receivedAtMs);
      }
      case 'changes':
        return this.#takeChanges(batch, note, value);
      case 'history-request':
        return this.#answerRequest(batch, note, value);
      default:
        return this.fileFrame(batch, { ...note, ...value });
    }
  }

  #isMember(groupId: string, who: MailAddress): boolean {
    const log = this.#context.groups.get(groupId);
    const isIn = log !== undefined && roleOf(log.current(), who) !== undefined;
    return isIn && this.#context.groups.ownRole(groupId) !== undefined;
  }

  #hold(batch: SealedBatch, groupId: string, note: Pick<ControlNote, 'body'> & From): () => void {
    const { sender, receivedAtMs, body } = note;
    const held: PendingGroupNote = { groupId, sender, receivedAtMs, body: bytesToHex(body) };
    return this.#context.groups.hold(batch, held);
  }

  #takeChanges(
    batch: SealedBatch,
    note: Pick<ControlNote, 'body'> & From,
    { groupId, changes }: GroupChangesNote,
  ): () => void {
    const { groups, contacts } = this.#context;
    const log = groups.get(groupId);
    // Only a contact's invitation is taken without being asked about.
    const isInvited = contacts.get(note.sender)?.state === 'accepted' && changes[0]?.id === groupId;
    const isHeard =
      log === undefined ? isInvited : roleOf(log.current(), note.sender) !== undefined;
    if (!isHeard) return this.#hold(batch, groupId, note);
    const taken = groups.take(batch, groupId, changes);
    const applies = [taken.apply, this.noteChanges(batch, groupId, taken.added, note.receivedAtMs)];
    const present = groups.get(groupId);
    if (present !== undefined) applies.push(this.#passOn(batch, present, taken.added));
    if (present !== undefined && taken.isGap) {
      applies.push(this.#request(batch, present, note.sender, present.waiting().missing));
    }
    if (taken.added.length > 0) applies.push(this.releaseHeld(batch, groupId));
    return applyAll(applies);
  }

  /**
   * Tells whom we added of changes whose authors did not know of that: they told everybody else. A
   * new member would go on writing to somebody who was removed meanwhile.
   */
  #passOn(batch: SealedBatch, log: GroupLog, added: readonly GroupChange[]): () => void {
    const { account } = this.#context;
    const guests = log
      .changes()
      .filter(({ author, action }) => author === account.address && action.kind === 'add');
    if (guests.length === 0) return () => {};
    const pasts = added.map((change) => ({ change, past: pastOf(log, change.parents) }));
    const applies = guests.map((guest) => {
      const to = targetOf(guest.action);
      const isIn = to !== undefined && roleOf(log.current(), to) !== undefined;
      const news = pasts.filter(({ change, past }) => change.author !== to && !past.has(guest.id));
      if (!isIn || news.length === 0) return () => {};
      return this.sendChanges(
        batch,
        log.groupId,
        news.map((one) => one.change),
        to,
      );
    });
    return applyAll(applies);
  }

  /** Looks again at what waited for a group. */
  releaseHeld(batch: SealedBatch, groupId: string): () => void {
    const { groups, tangle } = this.#context;
    const released = groups.release(batch, groupId, tangle.clock.nowMs());
    const applies = released.notes.map((held) =>
      this.takeNote(batch, { ...held, body: hexToBytes(held.body) }),
    );
    // First out, then in again: what still waits was held anew.
    return applyAll([released.apply, ...applies]);
  }

  /** Shows changes in the conversation, and ends chains that somebody who left can read. */
  noteChanges(
    batch: SealedBatch,
    groupId: string,
    added: readonly GroupChange[],
    receivedAtMs: number,
  ): () => void {
    const { log, sending, onChange, account } = this.#context;
    if (added.length === 0) return () => {};
    const ref = { id: groupId, kind: 'group' } as const;
    const applies = [log.open(batch, ref, receivedAtMs)];
    for (const change of added) {
      const line = log.add(batch, ref, {
        letterId: change.id.slice(0, 32),
        sender: change.author,
        isOwn: change.author === account.address,
        kind: 'notice',
        text: noticeOf(change),
        sentAt: Math.floor(receivedAtMs / 1_000),
        receivedAtMs,
        recipients: [],
        isLeft: false,
      });
      applies.push(line.apply);
    }
    const isExit = added.some(({ action }) => ['remove', 'leave'].includes(action.kind));
    if (isExit) applies.push(sending.end(batch, groupId));
    return applyAll([...applies, () => onChange({ conversation: groupId })]);
  }

  #answerRequest(batch: SealedBatch, { sender }: From, note: HistoryRequestNote): () => void {
    const log = this.#context.groups.get(note.groupId);
    if (log === undefined || !this.#isMember(note.groupId, sender)) return () => {};
    return this.#sendMissing(batch, log, sender, note.heads);
  }

  /** Sends `to` everything that does not stand under `heads`. */
  #sendMissing(
    batch: SealedBatch,
    log: GroupLog,
    to: MailAddress,
    heads: readonly ChangeId[],
  ): () => void {
    const known = pastOf(log, heads);
    const lacking = log.changes().filter((one) => !known.has(one.id));
    if (lacking.length === 0 || !this.#mayExchange(`send/${log.groupId}/${to}`)) return () => {};
    return this.sendChanges(batch, log.groupId, lacking, to);
  }

  /** Sends changes in as many letters as they need. */
  sendChanges(
    batch: SealedBatch,
    groupId: GroupId,
    changes: readonly GroupChange[],
    to: MailAddress,
  ): () => void {
    const { outbox } = this.#context;
    const accepts = changesNotes(groupId, changes).map((part) =>
      outbox.enqueueNote(batch, { to, body: encodeGroupNote(part) }),
    );
    return () => accepts.forEach((accept) => accept());
  }

  #request(
    batch: SealedBatch,
    log: GroupLog,
    to: MailAddress,
    missing: readonly ChangeId[],
  ): () => void {
    const { account, outbox } = this.#context;
    const { groupId } = log;
    if (to === account.address || !this.#mayExchange(`ask/${groupId}/${to}`)) return () => {};
    const body = encodeGroupNote({
      type: 'history-request',
      groupId,
      heads: log.headsFor(account.address),
      missing: missing.toSorted().slice(0, 32),
    });
    const accept = outbox.enqueueNote(batch, { to, body, dedupe: `history:${groupId}` });
    return () => void accept();
  }

  /** Bounds what two members who disagree can make each other send. */
  #mayExchange(key: string): boolean {
    const nowMs = this.#context.tangle.clock.nowMs();
    const last = this.#exchangedAt.get(key);
    if (last !== undefined && nowMs - last < EXCHANGE_MS) return false;
    const [oldest] = this.#exchangedAt.keys();
    if (this.#exchangedAt.size >= MAX_EXCHANGES && oldest) this.#exchangedAt.delete(oldest);
    this.#exchangedAt.delete(key);
    this.#exchangedAt.set(key, nowMs);
    return true;
  }

  /** Files a framed text of a member, and evens out what the two of us know. */
  fileFrame(batch: SealedBatch, incoming: IncomingFrame): () => void {
    const { groups, log, onChange } = this.#context;
    const { sender, letterId, sentAt, receivedAtMs } = incoming;
    const frame = decodeFrame(incoming.frame);
    if (!frame.ok) return () => {};
    const { groupId, heads, body } = frame.value;
    // A chain belongs to one group: its text cannot be moved to another.
    if (incoming.groupId !== undefined && incoming.groupId !== groupId) return () => {};
    const known = groups.get(groupId);
    const message = { type: 'message', letterId, sentAt, frame: incoming.frame } as const;
    const held = { sender, receivedAtMs, body: encodeGroupNote(message) };
    if (known === undefined) return this.#hold(batch, groupId, held);
    const report = readFrame(known, frame.value, sender);
    if (!report.ok) return () => {};
    const { missing, isBehind, isMember } = report.value;
    if (!isMember && missing.length > 0) {
      const asked = this.#request(batch, known, sender, missing);
      return applyAll([this.#hold(batch, groupId, held), asked]);
    }
    const ref = { id: groupId, kind: 'group' } as const;
    const added = log.add(batch, ref, {
      letterId,
      sender,
      isOwn: false,
      kind: 'text',
      text: new TextDecoder().decode(body),
      sentAt,
      receivedAtMs,
      recipients: [],
      isLeft: !isMember,
    });
    if (!added.isNew) return () => {};
    const applies = [added.apply];
    if (missing.length > 0) applies.push(this.#request(batch, known, sender, missing));
    if (isBehind && isMember) applies.push(this.#sendMissing(batch, known, sender, heads));
    const { number } = added.message;
    return applyAll([...applies, () => onChange({ conversation: groupId, message: number })]);
  }
}

/** Everything under some changes, themselves included; what we do not hold is left out. */
function pastOf(log: GroupLog, heads: readonly ChangeId[]): Set<ChangeId> {
  const past = new Set<ChangeId>();
  const open = [...heads];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const change = past.has(id) ? undefined : log.find(id);
    if (change === undefined) continue;
    past.add(id);
    open.push(...change.parents);
  }
  return past;
}

/** A change as the conversation keeps it: JSON of its kind, whom it is about, and a name. */
function noticeOf({ action }: GroupChange): string {
  const target = targetOf(action);
  const name = 'name' in action ? action.name : undefined;
  return JSON.stringify({ change: action.kind, target, name });
}
