/**
 * Who is in a group: a function of a set of changes alone, not of the order in which they came, so
 * that all who hold the same set agree. Removal wins over whatever happened at the same time, and
 * the power of an admin depends on the founder's changes only, so that two removals can never
 * contest each other. Stop before: group/log.ts; next: group/frame.ts. Spec: docs/spec/27-group.md.
 */
import type { MailAddress } from '../identity/address.ts';
import { addressOf } from '../identity/address.ts';
import { assert } from '../outcome.ts';
import type { MailErrorCode } from '../outcome.ts';
import type { ChangeId, GroupChange, MemberRecord } from './change.ts';
import { recordOf, targetOf } from './change.ts';

/** Members of a group; beyond that every message would cost too many letters with seeds. */
export const MAX_MEMBERS = 25;

export type Role = 'founder' | 'admin' | 'member';

export interface Member extends MemberRecord {
  readonly address: MailAddress;
  readonly role: Role;
}

export interface GroupState {
  readonly name: string;
  /** Founder, admins, others, each by the time they came in: at most 25. */
  readonly members: readonly Member[];
}

/** A change with its place in the log. */
export interface LogEntry {
  readonly change: GroupChange;
  /** Number in the log of whoever holds it: the bit of this change in `past`. */
  readonly index: number;
  /** One bit for each change that it stands on, directly or not; its own is not among them. */
  readonly past: bigint;
  /** 1 for the founding change, else one more than the deepest parent. */
  readonly depth: number;
}

/** Whether `one` is among what `other` stands on. */
export function isBefore(one: LogEntry, other: LogEntry): boolean {
  return one.index < other.index && ((other.past >> BigInt(one.index)) & 1n) === 1n;
}

function areConcurrent(one: LogEntry, other: LogEntry): boolean {
  return one !== other && !isBefore(one, other) && !isBefore(other, one);
}

/**
 * The state that `entries` make: the founding change and, for each change, all that it stands on.
 * Their order does not matter.
 */
export function stateOf(entries: readonly LogEntry[]): GroupState {
  const counting = countingChanges(entries);
  const founding = counting.find((one) => one.change.action.kind === 'create');
  assert(founding, 'a group has a founding change');
  const people = new Map<MailAddress, LogEntry[]>();
  for (const entry of counting) {
    const person = personOf(entry.change);
    if (person === undefined) continue;
    const known = people.get(person);
    if (known) known.push(entry);
    else people.set(person, [entry]);
  }
  const places = [...people]
    .map(([address, about]) => placeOf(address, about, founding.change.author))
    .filter((place) => place !== undefined)
    .toSorted(comparePlaces);
  const members = places.slice(0, MAX_MEMBERS).map((place) => place.member);
  return { name: nameOf(counting, founding), members };
}

/**
 * Why `author` may not do this in `state`, or undefined if it may. The state is that of the
 * change's own past, which never changes: what is refused once is refused by everybody for ever.
 */
export function objectionTo(
  change: Pick<GroupChange, 'author' | 'action'>,
  state: GroupState,
): MailErrorCode | undefined {
  const { kind } = change.action;
  const role = roleOf(state, change.author);
  if (role === undefined || kind === 'create') return 'group-not-allowed';
  if (kind === 'leave') return undefined;
  if (role === 'member') return 'group-not-allowed';
  if (kind === 'rename') return undefined;
  const target = targetOf(change.action);
  assert(target !== undefined, 'what is left is about a person');
  const targetRole = roleOf(state, target);
  if (kind === 'add') {
    if (targetRole !== undefined) return 'group-not-allowed';
    return state.members.length < MAX_MEMBERS ? undefined : 'group-too-many-members';
  }
  const isOwnRank = kind === 'remove' && targetRole === 'member';
  if (role === 'admin') return isOwnRank ? undefined : 'group-not-allowed';
  const wanted: Role = kind === 'demote' ? 'admin' : 'member';
  const mayFounder = targetRole === wanted || (kind === 'remove' && targetRole === 'admin');
  return mayFounder ? undefined : 'group-not-allowed';
}

/** The role of a person, or undefined for one who is no member. */
export function roleOf(state: GroupState, address: MailAddress): Role | undefined {
  return state.members.find((member) => member.address === address)?.role;
}

/**
 * Leaves out what an author did at the same time as he left, or as the founder removed or demoted
 * him: such a change may have been written later and dated back. First the founder's, which only
 * his own leaving can undo, then the others'. A leaving may be dated back too, to undo what its
 * author did: it undoes nothing that the founder had built on without knowing of it.
 */
function countingChanges(entries: readonly LogEntry[]): LogEntry[] {
  const founder = entries.find((one) => one.change.action.kind === 'create')?.change.author;
  assert(founder, 'a group has a founding change');
  const endings = new Map<MailAddress, LogEntry[]>();
  const end = (person: MailAddress, entry: LogEntry): void => {
    endings.set(person, [...(endings.get(person) ?? []), entry]);
  };
  const isVoid = (entry: LogEntry, anchors: readonly LogEntry[]): boolean =>
    entry.change.action.kind !== 'leave' &&
    (endings.get(entry.change.author) ?? []).some(
      (ending) =>
        areConcurrent(ending, entry) &&
        !(ending.change.action.kind === 'leave' && isAnchored(entry, ending, anchors)),
    );
  for (const entry of entries) {
    if (entry.change.action.kind === 'leave') end(entry.change.author, entry);
  }
  const ofFounder = entries.filter((one) => one.change.author === founder && !isVoid(one, []));
  for (const entry of ofFounder) {
    const { action } = entry.change;
    if (action.kind === 'remove' || action.kind === 'demote') end(action.target, entry);
  }
  const others = entries.filter((one) => one.change.author !== founder && !isVoid(one, ofFounder));
  return [...ofFounder, ...others];
}

/** Whether one of the founder's changes stands on `entry` and not on `leaving`. */
function isAnchored(entry: LogEntry, leaving: LogEntry, anchors: readonly LogEntry[]): boolean {
  return anchors.some((anchor) => isBefore(entry, anchor) && !isBefore(leaving, anchor));
}

/** Whom a change puts in, out, up or down. */
function personOf(change: GroupChange): MailAddress | undefined {
  const { kind } = change.action;
  return kind === 'create' || kind === 'leave' ? change.author : targetOf(change.action);
}

interface Place {
  readonly member: Member;
  /** When it came in: depth and id of the earliest entrance that still holds. */
  readonly depth: number;
  readonly id: ChangeId;
}

const RANK: Record<Role, number> = { founder: 0, admin: 1, member: 2 };

function comparePlaces(one: Place, other: Place): number {
  const byRank = RANK[one.member.role] - RANK[other.member.role];
  return byRank || one.depth - other.depth || (one.id < other.id ? -1 : 1);
}

function compareAge(one: LogEntry, other: LogEntry): number {
  return one.depth - other.depth || (one.change.id < other.change.id ? -1 : 1);
}

/** What the counting changes about one person come to. */
function placeOf(
  address: MailAddress,
  about: readonly LogEntry[],
  founder: MailAddress,
): Place | undefined {
  const exits = about.filter(({ change }) => ['remove', 'leave'].includes(change.action.kind));
  const demotions = about.filter(({ change }) => change.action.kind === 'demote');
  const entrances = about
    .filter(({ change }) => recordOf(change.action) !== undefined)
    .filter((entrance) => !exits.some((exit) => ends(exit, entrance, founder)))
    .toSorted(compareAge);
  const first = entrances[0];
  const last = entrances.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const isAdmin = entrances.some(
    (entrance) =>
      entrance.change.action.kind === 'promote' &&
      !demotions.some((demotion) => !isBefore(demotion, entrance)),
  );
  const role = address === founder ? 'founder' : isAdmin ? 'admin' : 'member';
  const record = recordOf(last.change.action);
  assert(record, 'an entrance brings keys');
  assert(addressOf(record.accountKey) === address, 'keys stand with their person');
  const member = { ...record, address, role } as const;
  return { member, depth: first.depth, id: first.change.id };
}

/**
 * Whether an exit undoes an entrance: yes if it came after it or at the same time, with one
 * exception: what an admin removes at the same time as the founder makes it an admin, stays.
 */
function ends(exit: LogEntry, entrance: LogEntry, founder: MailAddress): boolean {
  if (isBefore(exit, entrance)) return false;
  const isByAdmin = exit.change.action.kind === 'remove' && exit.change.author !== founder;
  return isByAdmin && entrance.change.action.kind === 'promote' ? isBefore(entrance, exit) : true;
}

/** The name of the last rename; of several at the same time the founder's, else the lowest id. */
function nameOf(counting: readonly LogEntry[], founding: LogEntry): string {
  const names = counting.filter(({ change }) => change.action.kind === 'rename');
  const newest = names.filter((one) => !names.some((other) => isBefore(one, other)));
  const isFounders = (one: LogEntry): number =>
    one.change.author === founding.change.author ? 0 : 1;
  const [winner = founding] = newest.toSorted(
    (one, other) =>
      isFounders(one) - isFounders(other) || (one.change.id < other.change.id ? -1 : 1),
  );
  const { action } = winner.change;
  assert(action.kind === 'create' || action.kind === 'rename', 'a naming change has a name');
  return action.name;
}
