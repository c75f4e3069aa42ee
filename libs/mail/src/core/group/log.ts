/**
 * All changes of one group that a member holds, each with everything that it stands on: a graph of
 * hashes with one root. What comes too early waits, bounded; what its author was never allowed is
 * refused by everybody alike. Stop before: group/change.ts; next: group/state.ts, group/frame.ts.
 * Spec: docs/spec/27-group.md.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { decodeWith } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { MailAddress } from '../identity/address.ts';
import { addressOf } from '../identity/address.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailErrorCode, MailFailure, MailOutcome } from '../outcome.ts';
import type { ChangeBody, ChangeId, GroupAction, GroupChange, GroupId } from './change.ts';
import { decodeChange, encodeChange, isEquivocation, MAX_CHANGE_SIZE } from './change.ts';
import { MAX_HEADS, verifyChange } from './change.ts';
import type { GroupState, LogEntry } from './state.ts';
import { objectionTo, stateOf } from './state.ts';

/** Changes in the life of a group; a group that has had more is founded anew. */
export const MAX_CHANGES = 1_024;
/** Changes that wait for others; beyond that the oldest goes, and is asked for again. */
export const MAX_PENDING = 128;
/** Bytes of a whole history: what a new member is sent. */
export const MAX_HISTORY_SIZE = 2 + MAX_CHANGES * (2 + MAX_CHANGE_SIZE);

/** What came of a change. */
export interface Received {
  /** What counts as held from now on: the change itself and what had waited for it. */
  readonly added: readonly GroupChange[];
  /** What had waited for it and turned out to break a rule. */
  readonly refused: readonly { readonly id: ChangeId; readonly code: MailErrorCode }[];
  /** What must be asked for, from whoever sent the change. */
  readonly missing: readonly ChangeId[];
}

/** Two changes of one author with one number. */
export type EquivocationProof = readonly [GroupChange, GroupChange];

/** What a log needs to know of the world. */
export interface GroupWorld {
  readonly networkId: bigint;
  readonly verifier: Verifier;
}

/** Starts a log from a founding change. Codes: as verifyChange, `group-history`. */
export function openGroup(founding: GroupChange, world: GroupWorld): MailOutcome<GroupLog> {
  if (founding.action.kind !== 'create') return fail('group-history');
  const verified = verifyChange(founding, world.networkId, world.verifier);
  return verified.ok ? succeed(new GroupLog(founding, world)) : verified;
}

/**
 * Reads a history as a new member gets it: every change behind all that it stands on, the founding
 * one first. `groupId` is what the invitation named. Codes: those of form, `group-other`,
 * `group-history` (the detail gives the position and the code of what is wrong there).
 */
export function openHistory(
  bytes: Uint8Array,
  groupId: GroupId,
  world: GroupWorld,
): MailOutcome<GroupLog> {
  const parts = decodeWith(bytes, MAX_HISTORY_SIZE, (reader) => {
    const list: Uint8Array[] = [];
    for (let left = reader.count16(1, MAX_CHANGES); left > 0; left--) {
      list.push(reader.view(reader.count16(1, MAX_CHANGE_SIZE)));
    }
    return list;
  });
  if (!parts.ok) return parts;
  const wrong = (at: number, code: string): MailFailure => fail('group-history', `${at}: ${code}`);
  let log: GroupLog | undefined;
  for (const [at, part] of parts.value.entries()) {
    const change = decodeChange(part);
    if (!change.ok) return wrong(at, change.code);
    if (log === undefined) {
      if (change.value.id !== groupId) return fail('group-other');
      const opened = openGroup(change.value, world);
      if (!opened.ok) return wrong(at, opened.code);
      log = opened.value;
      continue;
    }
    const received = log.receive(change.value);
    if (!received.ok) return wrong(at, received.code);
    if (received.value.added.length !== 1) return wrong(at, 'out of order');
  }
  assert(log, 'a history has at least one change');
  return succeed(log);
}

/** The changes of one group. Made by openGroup and openHistory. */
export class GroupLog {
  readonly groupId: GroupId;
  private readonly world: GroupWorld;
  private readonly entries: LogEntry[] = [];
  private readonly byId = new Map<ChangeId, LogEntry>();
  private readonly pending = new Map<ChangeId, GroupChange>();
  private readonly heads = new Set<ChangeId>();
  private readonly numbered = new Map<string, GroupChange>();
  private readonly proofs = new Map<MailAddress, EquivocationProof>();
  private state: GroupState;

  constructor(founding: GroupChange, world: GroupWorld) {
    assert(founding.action.kind === 'create', 'a group begins with its founding');
    this.groupId = founding.id;
    this.world = world;
    this.add(founding);
    this.state = stateOf(this.entries);
  }

  /** Who is in the group now, as far as we know. */
  current(): GroupState {
    return this.state;
  }

  /** The state of the given changes, which must be held, and all that they stand on. */
  stateAt(heads: readonly ChangeId[]): GroupState {
    return this.stateIn(this.maskOf(heads));
  }

  has(id: ChangeId): boolean {
    return this.byId.has(id);
  }

  /** A change by its id, for whoever misses it. */
  find(id: ChangeId): GroupChange | undefined {
    return this.byId.get(id)?.change;
  }

  /** The changes in the order in which they were added: each behind what it stands on. */
  changes(): readonly GroupChange[] {
    return this.entries.map((entry) => entry.change);
  }

  /** At most one proof for each author. */
  equivocations(): readonly EquivocationProof[] {
    return [...this.proofs.values()];
  }

  /** What waits, and what it waits for. */
  waiting(): { readonly count: number; readonly missing: readonly ChangeId[] } {
    const parents = [...this.pending.values()].flatMap((change) => change.parents);
    return { count: this.pending.size, missing: this.missingOf(parents) };
  }

  /** Which of some changes are neither held nor waiting. */
  missingOf(ids: readonly ChangeId[]): ChangeId[] {
    return [...new Set(ids)].filter((id) => !this.byId.has(id) && !this.pending.has(id));
  }

  /** Whether everything that is held stands under `heads`, which are held. */
  isAllUnder(heads: readonly ChangeId[]): boolean {
    return this.maskOf(heads) === (1n << BigInt(this.entries.length)) - 1n;
  }

  /**
   * The newest changes, ascending, at most 32: what a message or change of `author` names. If
   * somebody's lies have made more of them, the one over the author's own last change comes first,
   * so that its numbers count on.
   */
  headsFor(author: MailAddress): ChangeId[] {
    const all = [...this.heads].toSorted();
    if (all.length <= MAX_HEADS) return all;
    const own = this.entries.findLast((entry) => entry.change.author === author);
    const isOver = (id: ChangeId): boolean =>
      own !== undefined && ((this.maskOf([id]) >> BigInt(own.index)) & 1n) === 1n;
    const first = all.find(isOver);
    const others = all.filter((id) => id !== first).slice(0, MAX_HEADS - 1);
    return [...(first === undefined ? [] : [first]), ...others].toSorted();
  }

  /**
   * The next change of an account, to be signed (signChange) and then received here like any other.
   * Codes: `group-full`, `group-not-allowed`, `group-too-many-members`.
   */
  draft(accountKey: Uint8Array, action: GroupAction): MailOutcome<ChangeBody> {
    if (this.entries.length >= MAX_CHANGES) return fail('group-full');
    const author = addressOf(accountKey);
    const parents = this.headsFor(author);
    const { networkId } = this.world;
    const sequence = this.nextSequence(author, this.maskOf(parents));
    const group = hexToBytes(this.groupId);
    const body = { networkId, group, accountKey, sequence, parents, action };
    const objection = objectionTo({ author, action }, this.stateAt(parents));
    return objection === undefined ? succeed(body) : fail(objection);
  }

  /**
   * Takes a decoded change. One that is held already adds nothing; one whose parents are missing
   * waits. Codes: as verifyChange, `group-other`, `group-sequence`, `group-not-allowed`,
   * `group-too-many-members`, `group-full`.
   */
  receive(change: GroupChange): MailOutcome<Received> {
    const nothing = { added: [], refused: [], missing: [] };
    if (this.byId.has(change.id)) return succeed(nothing);
    if (bytesToHex(change.group) !== this.groupId) return fail('group-other');
    if (this.pending.has(change.id)) {
      return succeed({ ...nothing, missing: this.missingOf(change.parents) });
    }
    const verified = verifyChange(change, this.world.networkId, this.world.verifier);
    if (!verified.ok) return verified;
    if (!this.isReady(change)) {
      this.wait(change);
      return succeed({ ...nothing, missing: this.missingOf(change.parents) });
    }
    const objection = this.objection(change);
    if (objection !== undefined) return fail(objection);
    this.add(change);
    const followed = this.release();
    this.state = stateOf(this.entries);
    const added = [change, ...followed.added];
    return succeed({ added, refused: followed.refused, missing: this.waiting().missing });
  }

  /** The whole history for a new member, in our own order. */
  encode(): Uint8Array {
    const writer = new Writer(4_096);
    writer.count16(this.entries.length, 1, MAX_CHANGES);
    for (const { change } of this.entries) {
      const bytes = encodeChange(change);
      writer.u16(bytes.length);
      writer.raw(bytes);
    }
    return writer.finish();
  }

  private isReady(change: GroupChange): boolean {
    return change.parents.every((id) => this.byId.has(id));
  }

  /** Bounds what a flood of early changes costs. What it pushes out is asked for again. */
  private wait(change: GroupChange): void {
    const [oldest] = this.pending.keys();
    if (this.pending.size >= MAX_PENDING && oldest !== undefined) this.pending.delete(oldest);
    this.pending.set(change.id, change);
  }

  /** Adds whatever waited and waits no more. Each round empties the queue by one at least. */
  private release(): Pick<Received, 'added' | 'refused'> {
    const added: GroupChange[] = [];
    const refused: { id: ChangeId; code: MailErrorCode }[] = [];
    const next = (): GroupChange | undefined =>
      [...this.pending.values()].find((change) => this.isReady(change));
    for (let change = next(); change !== undefined; change = next()) {
      this.pending.delete(change.id);
      const code = this.objection(change);
      if (code === undefined) {
        this.add(change);
        added.push(change);
      } else {
        refused.push({ id: change.id, code });
      }
    }
    return { added, refused };
  }

  /** The rules that need the parents, and nothing but what stands under them. */
  private objection(change: GroupChange): MailErrorCode | undefined {
    if (this.entries.length >= MAX_CHANGES) return 'group-full';
    const past = this.maskOf(change.parents);
    if (change.sequence !== this.nextSequence(change.author, past)) return 'group-sequence';
    return objectionTo(change, this.stateIn(past));
  }

  private nextSequence(author: MailAddress, past: bigint): number {
    const own = this.entries.filter(
      ({ change, index }) => change.author === author && ((past >> BigInt(index)) & 1n) === 1n,
    );
    return 1 + Math.max(0, ...own.map(({ change }) => change.sequence));
  }

  private add(change: GroupChange): void {
    const index = this.entries.length;
    const parents = change.parents.map((id) => this.entry(id));
    const depth = 1 + Math.max(0, ...parents.map((parent) => parent.depth));
    const entry = { change, index, past: this.maskOf(change.parents), depth };
    this.entries.push(entry);
    this.byId.set(change.id, entry);
    for (const id of change.parents) this.heads.delete(id);
    this.heads.add(change.id);
    const key = `${change.author} ${change.sequence}`;
    const twin = this.numbered.get(key);
    if (twin === undefined) this.numbered.set(key, change);
    else if (isEquivocation(twin, change) && !this.proofs.has(change.author)) {
      this.proofs.set(change.author, [twin, change]);
    }
  }

  private entry(id: ChangeId): LogEntry {
    const entry = this.byId.get(id);
    assert(entry, 'the change is held');
    return entry;
  }

  /** One bit for each of `heads` and all that they stand on. */
  private maskOf(heads: readonly ChangeId[]): bigint {
    let mask = 0n;
    for (const id of heads) {
      const { past, index } = this.entry(id);
      mask |= past | (1n << BigInt(index));
    }
    return mask;
  }

  private stateIn(mask: bigint): GroupState {
    return stateOf(this.entries.filter(({ index }) => ((mask >> BigInt(index)) & 1n) === 1n));
  }
}
