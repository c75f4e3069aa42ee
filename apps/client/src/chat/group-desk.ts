/**
 * What the user does with groups: found one, change it, leave it. Each change is signed, written
 * and queued for everybody in one batch. Before: service/chat-service.ts; after: group-book.ts,
 * group-inbox.ts. Spec: docs/spec/27-group.md, docs/spec/43-chat.md.
 */
import type { GroupAction, GroupChange, MemberRecord } from '@tanglemail/mail/core/group/change.ts';
import { isGroupName } from '@tanglemail/mail/core/group/change.ts';
import type { GroupLog } from '@tanglemail/mail/core/group/log.ts';
import { MAX_MEMBERS } from '@tanglemail/mail/core/group/state.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { ClientError } from '../client-error.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { applyAll } from '../store/staged-map.ts';
import type { ChatContext } from './chat-context.ts';
import { MAX_GROUPS } from './group-book.ts';
import type { GroupInbox } from './group-inbox.ts';

/** A change as the user asks for it. */
export type GroupWish =
  | { readonly kind: 'add' | 'remove' | 'promote' | 'demote'; readonly who: MailAddress }
  | { readonly kind: 'rename'; readonly name: string }
  | { readonly kind: 'leave' };

export class GroupDesk {
  readonly #context: ChatContext;
  readonly #inbox: GroupInbox;

  constructor(context: ChatContext, inbox: GroupInbox) {
    this.#context = context;
    this.#inbox = inbox;
  }

  /** Founds a group with some members. Throws `group-name-invalid`, `group-member-unknown`. */
  async found(name: string, members: readonly MailAddress[]): Promise<string> {
    const { writes, store, groups, account } = this.#context;
    if (!isGroupName(name)) throw new ClientError('group-name-invalid');
    const others = [...new Set(members)].filter((one) => one !== account.address);
    if (others.length >= MAX_MEMBERS) throw new ClientError('group-refused', 'at most 25 members');
    if (groups.list().length >= MAX_GROUPS) throw new ClientError('busy', 'too many groups');
    const records = others.map((one) => this.#recordOf(one));
    return writes.run(async () => {
      const batch = store.batch();
      const founded = groups.found(batch, name);
      const { log } = founded;
      const applies = [founded.apply];
      for (const member of records) {
        const added = groups.change(batch, log, { kind: 'add', member });
        if (!added.ok) throw new ClientError('group-refused', added.code);
        applies.push(added.value.apply);
      }
      const all = log.changes();
      applies.push(this.#show(batch, log, all));
      for (const to of others) {
        applies.push(this.#inbox.sendChanges(batch, log.groupId, all, to));
      }
      await batch.write();
      applyAll(applies)();
      return log.groupId;
    });
  }

  /** Signs a change and tells everybody. Throws `group-unknown`, `group-refused` …*/
  async change(groupId: string, wish: GroupWish): Promise<void> {
    const { writes, store, groups, account } = this.#context;
    if (wish.kind === 'rename' && !isGroupName(wish.name)) {
      throw new ClientError('group-name-invalid');
    }
    await writes.run(async () => {
      const log = groups.get(groupId);
      if (log === undefined) throw new ClientError('group-unknown', groupId.slice(0, 64));
      const before = log.current().members.map((one) => one.address);
      const batch = store.batch();
      const changed = groups.change(batch, log, this.#actionOf(wish));
      if (!changed.ok) throw new ClientError('group-refused', changed.code);
      const { change, apply } = changed.value;
      const applies = [apply, this.#show(batch, log, [change])];
      const after = log.current().members.map((one) => one.address);
      for (const to of new Set([...before, ...after])) {
        if (to === account.address) continue;
        // Whoever comes in needs everything, the others this one change.
        const changes = before.includes(to) ? [change] : log.changes();
        applies.push(this.#inbox.sendChanges(batch, log.groupId, changes, to));
      }
      await batch.write();
      applyAll(applies)();
    });
  }

  #actionOf(wish: GroupWish): GroupAction {
    switch (wish.kind) {
      case 'add':
      case 'promote':
        return { kind: wish.kind, member: this.#recordOf(wish.who) };
      case 'remove':
      case 'demote':
        return { kind: wish.kind, target: wish.who };
      default:
        return wish;
    }
  }

  #show(batch: SealedBatch, log: GroupLog, changes: readonly GroupChange[]): () => void {
    const nowMs = this.#context.tangle.clock.nowMs();
    return this.#inbox.noteChanges(batch, log.groupId, changes, nowMs);
  }

  /** A letter of theirs has shown that their keys belong together. */
  #recordOf(who: MailAddress): MemberRecord {
    const { keys, groups } = this.#context;
    const known = keys.get(who);
    if (known !== undefined) return known;
    const members = groups.list().flatMap((log) => log.current().members);
    const member = members.find((one) => one.address === who);
    if (member === undefined) throw new ClientError('group-member-unknown', who);
    const { accountKey, identityKey, certificate } = member;
    return { accountKey, identityKey, certificate };
  }
}
