/**
 * The groups of the account: their changes on the disk, their logs in memory, and what waits for a
 * group that is not known yet. Before: chat/group-notes.ts, chat/chat.ts; after: mail core, group.
 * Spec: docs/spec/27-group.md, docs/spec/43-chat.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import {
  decodeChange,
  encodeChange,
  type GroupAction,
  type GroupChange,
  type GroupId,
  type MemberRecord,
  signChange,
} from '@tanglemail/mail/core/group/change.ts';
import { type GroupLog, openGroup } from '@tanglemail/mail/core/group/log.ts';
import { type Role, roleOf } from '@tanglemail/mail/core/group/state.ts';
import { SKIPPED_KEY_SECONDS } from '@tanglemail/mail/core/chain/receiving.ts';
import { type MailOutcome, succeed } from '@tanglemail/mail/core/outcome.ts';
import type { Account } from '../account/account.ts';
import { groupChanges, groupNotes, type PendingGroupNote } from '../store/chat-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';

export interface GroupBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly verifier: Verifier;
  readonly randomBytes: (length: number) => Uint8Array;
}

/** What a client of a group's changes did with some of them. */
export interface TakenChanges {
  readonly added: readonly GroupChange[];
  /** Whether something that the changes stand on is not here. */
  readonly isGap: boolean;
  readonly apply: () => void;
}

/** Groups of one account. */
export const MAX_GROUPS = 256;
/** Notes that wait for the history of their group. */
const MAX_PENDING_NOTES = 64;
const PENDING_MS = SKIPPED_KEY_SECONDS * 1_000;

export class GroupBook {
  readonly #deps: GroupBookDeps;
  readonly #logs = new Map<string, GroupLog>();
  /** Changes of each log that are on the disk. */
  readonly #written = new Map<string, number>();
  readonly #pending = new Map<string, PendingGroupNote>();
  /** What a batch that is not written yet has taken out. */
  readonly #released = new WeakMap<SealedBatch, Set<string>>();
  #next = 0;

  private constructor(deps: GroupBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: GroupBookDeps): Promise<GroupBook> {
    const book = new GroupBook(deps);
    for await (const { value } of deps.store.scan(groupChanges, { prefix: 'g/' })) {
      book.#restore(value.groupId, hexToBytes(value.bytes));
    }
    for await (const { key, value } of deps.store.scan(groupNotes, { prefix: 'n/' })) {
      book.#pending.set(key, value);
      book.#next = Number(key.slice(2)) + 1;
    }
    return book;
  }

  /** The changes of a group lie in the order in which they were added. */
  #restore(groupId: string, bytes: Uint8Array): void {
    const change = decodeChange(bytes);
    const log = this.#logs.get(groupId);
    const taken = !change.ok ? change : log ? log.receive(change.value) : this.#open(change.value);
    if (!taken.ok) throw new Error(`broken invariant: a stored change is sound (${taken.code})`);
    this.#written.set(groupId, (this.#written.get(groupId) ?? 0) + 1);
  }

  #open(founding: GroupChange): MailOutcome<GroupLog> {
    const { account, verifier } = this.#deps;
    const opened = openGroup(founding, { networkId: account.networkId, verifier });
    if (opened.ok) this.#logs.set(founding.id, opened.value);
    return opened;
  }

  list(): GroupLog[] {
    return [...this.#logs.values()];
  }

  get(groupId: string): GroupLog | undefined {
    return this.#logs.get(groupId);
  }

  /** Our own role; undefined when we are in no such group. */
  ownRole(groupId: string): Role | undefined {
    const log = this.#logs.get(groupId);
    return log && roleOf(log.current(), this.#deps.account.address);
  }

  /** Founds a group; codes: none, since a founder may. */
  found(batch: SealedBatch, name: string): { readonly log: GroupLog; readonly apply: () => void } {
    const { account, randomBytes } = this.#deps;
    const founder = this.#ownRecord();
    const { accountKey } = founder;
    const change = signChange(
      {
        networkId: account.networkId,
        group: randomBytes(32),
        accountKey,
        sequence: 1,
        parents: [],
        action: { kind: 'create', founder, name },
      },
      account.keys.account.secretKey,
    );
    const opened = this.#open(change);
    if (!opened.ok) throw new Error(`broken invariant: our own founding is sound (${opened.code})`);
    return { log: opened.value, apply: this.#save(batch, opened.value) };
  }

  #ownRecord(): MemberRecord {
    const { sender } = this.#deps.account;
    const { accountKey, certificate } = sender;
    return { accountKey, certificate, identityKey: sender.identity.publicKey };
  }

  /** Signs a change of ours and takes it. Codes: as GroupLog.draft. */
  change(
    batch: SealedBatch,
    log: GroupLog,
    action: GroupAction,
  ): MailOutcome<{ readonly change: GroupChange; readonly apply: () => void }> {
    const { account } = this.#deps;
    const drafted = log.draft(account.sender.accountKey, action);
    if (!drafted.ok) return drafted;
    const change = signChange(drafted.value, account.keys.account.secretKey);
    const received = log.receive(change);
    if (!received.ok) return received;
    return succeed({ change, apply: this.#save(batch, log) });
  }

  /**
   * Takes changes of others in their order; the first of a group that is unknown must found it.
   * Changes that break a rule are left out: everybody refuses them alike.
   */
  take(batch: SealedBatch, groupId: GroupId, changes: readonly GroupChange[]): TakenChanges {
    const added: GroupChange[] = [];
    let isGap = false;
    for (const change of changes) {
      const log = this.#logs.get(groupId);
      if (log !== undefined) {
        const received = log.receive(change);
        if (!received.ok) continue;
        added.push(...received.value.added);
        isGap ||= log.waiting().missing.length > 0;
      } else if (change.id === groupId && this.#logs.size < MAX_GROUPS) {
        if (this.#open(change).ok) added.push(change);
      }
    }
    const log = this.#logs.get(groupId);
    isGap = isGap && log !== undefined && log.waiting().missing.length > 0;
    return { added, isGap, apply: log === undefined ? () => {} : this.#save(batch, log) };
  }

  /**
   * Writes whatever of a log is not on the disk: what an earlier batch failed to write as well, or
   * the rest would stand on nothing.
   */
  #save(batch: SealedBatch, log: GroupLog): () => void {
    const { store } = this.#deps;
    const { groupId } = log;
    const changes = log.changes();
    const from = this.#written.get(groupId) ?? 0;
    for (const [at, change] of changes.entries()) {
      if (at < from) continue;
      const key = `g/${store.opaque(`group/${groupId}`)}/${String(at).padStart(6, '0')}`;
      batch.put(groupChanges, key, { groupId, bytes: bytesToHex(encodeChange(change)) });
    }
    return () => {
      this.#written.set(groupId, changes.length);
    };
  }

  /** Keeps a note until its group is known; the oldest leaves when there are too many. */
  hold(batch: SealedBatch, note: PendingGroupNote): () => void {
    const key = `n/${orderedKey(this.#next)}`;
    this.#next += 1;
    const [oldest] = this.#pending.keys();
    const isFull = this.#pending.size >= MAX_PENDING_NOTES && oldest !== undefined;
    if (isFull) batch.del('group', oldest);
    batch.put(groupNotes, key, note);
    return () => {
      if (isFull) this.#pending.delete(oldest);
      this.#pending.set(key, note);
    };
  }

  /** Takes out what waited for a group, and what has waited too long. */
  release(
    batch: SealedBatch,
    groupId: string | undefined,
    nowMs: number,
  ): { readonly notes: readonly PendingGroupNote[]; readonly apply: () => void } {
    const isOld = (one: PendingGroupNote): boolean => nowMs - one.receivedAtMs > PENDING_MS;
    const taken = this.#released.get(batch) ?? new Set<string>();
    this.#released.set(batch, taken);
    const out = [...this.#pending].filter(
      ([key, one]) => !taken.has(key) && (one.groupId === groupId || isOld(one)),
    );
    for (const [key] of out) {
      batch.del('group', key);
      taken.add(key);
    }
    const notes = out.map(([, one]) => one).filter((one) => !isOld(one));
    return {
      notes,
      apply: () => {
        for (const [key] of out) this.#pending.delete(key);
      },
    };
  }
}
