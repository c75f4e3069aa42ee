/**
 * Invites that were given out: each is a secret for one person whose tags are watched until it
 * ends, by its time or because the user takes it back. Before: the local API, contact-book.ts;
 * after: tags/tag-book.ts. Spec: docs/spec/42-delivery.md, docs/spec/23-envelope.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { inviteTagKey } from '@tanglemail/mail/core/envelope/tags.ts';
import { ClientError } from '../client-error.ts';
import { type Invite, invites } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TagBook } from '../tags/tag-book.ts';
import type { ChangeOrigin, ContactObserver } from './contact-book.ts';

/** Start of the id of an invite's tag source. */
export const INVITE_SOURCE = 'invite:';
/** Open at a time: each takes 128 of the tags that a provider watches. */
export const MAX_OPEN_INVITES = 64;
export const DEFAULT_INVITE_DAYS = 30;
export const MAX_INVITE_DAYS = 365;
/** Ended ones that stay in the list; the oldest go first. */
const MAX_ENDED_INVITES = 256;
const DAY_MS = 86_400_000;

export interface ListedInvite extends Invite {
  readonly id: string;
}

export interface InviteBookDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tags: TagBook;
  /** Whom the invites lead to. */
  readonly address: MailAddress;
  /** Tells the observers of contacts. */
  readonly tell: ContactObserver;
}

export class InviteBook {
  readonly #deps: InviteBookDeps;
  readonly #byId = new Map<string, Invite>();

  private constructor(deps: InviteBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: InviteBookDeps): Promise<InviteBook> {
    const book = new InviteBook(deps);
    for await (const { key, value } of deps.store.scan(invites)) book.#byId.set(key, value);
    return book;
  }

  /** All, the newest first. */
  list(): ListedInvite[] {
    const all: ListedInvite[] = [];
    for (const [id, invite] of this.#byId) all.push({ id, ...invite });
    return all.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
  }

  /** The invite with this id, if it has not ended. */
  open(id: string, nowMs: number): Invite | undefined {
    const invite = this.#byId.get(id);
    return invite !== undefined && isOpen(invite, nowMs) ? invite : undefined;
  }

  /**
   * Makes an invite from a fresh secret of 32 bytes; its tags are watched from now on. Throws
   * `invites-too-many`.
   */
  async create(
    secret: Uint8Array,
    facts: { readonly name: string; readonly nowMs: number; readonly days?: number },
  ): Promise<ListedInvite> {
    const { name, nowMs, days = DEFAULT_INVITE_DAYS } = facts;
    const { store, writes } = this.#deps;
    const id = store.opaque(bytesToHex(secret));
    const expiresAtMs = nowMs + days * DAY_MS;
    const invite = { secret: bytesToHex(secret), name, createdAtMs: nowMs, expiresAtMs };
    return writes.run(async () => {
      const open = this.list().filter((one) => isOpen(one, nowMs));
      if (open.length >= MAX_OPEN_INVITES) {
        throw new ClientError('invites-too-many', `at most ${MAX_OPEN_INVITES}`);
      }
      const batch = store.batch();
      const apply = this.put(batch, id, invite, nowMs);
      await batch.write();
      apply();
      return { id, ...invite };
    });
  }

  /** Takes an invite back: mail under its tags is not looked for any more. `invite-unknown`. */
  async revoke(id: string, nowMs: number): Promise<ListedInvite> {
    const { store, writes } = this.#deps;
    return writes.run(async () => {
      const invite = this.open(id, nowMs);
      if (invite === undefined) throw new ClientError('invite-unknown');
      const batch = store.batch();
      const ended = { ...invite, revokedAtMs: nowMs };
      const apply = this.put(batch, id, ended, nowMs);
      await batch.write();
      apply();
      return { id, ...ended };
    });
  }

  /** Takes all back that are open. The caller writes the batch, then calls the function. */
  revokeAll(batch: SealedBatch, nowMs: number): () => void {
    const open = this.list().filter((one) => isOpen(one, nowMs));
    const applies = open.map(({ id, ...invite }) =>
      this.put(batch, id, { ...invite, revokedAtMs: nowMs }, nowMs),
    );
    return () => applies.forEach((apply) => apply());
  }

  /** Ends what has run out, and forgets the oldest that ended. Gives how many ended now. */
  async expire(nowMs: number): Promise<number> {
    const { store, tags, writes } = this.#deps;
    return writes.run(async () => {
      const ended = this.list().filter((one) => !isOpen(one, nowMs));
      const over = ended.filter(({ id }) => tags.isWatched(`${INVITE_SOURCE}${id}`));
      const forgotten = ended.slice(MAX_ENDED_INVITES);
      if (over.length === 0 && forgotten.length === 0) return 0;
      const batch = store.batch();
      const applies = over.map(({ id }) => tags.restSource(batch, `${INVITE_SOURCE}${id}`));
      for (const { id } of forgotten) batch.del('invite', id);
      await batch.write();
      for (const apply of applies) apply();
      for (const { id } of forgotten) this.#byId.delete(id);
      return over.length;
    });
  }

  /** Remembers who used an invite first. The caller writes the batch, then calls the function. */
  noteUse(batch: SealedBatch, id: string, usedBy: MailAddress, nowMs: number): () => void {
    const invite = this.#byId.get(id);
    if (invite === undefined || invite.usedBy !== undefined) return () => {};
    return this.put(batch, id, { ...invite, usedBy }, nowMs);
  }

  /** Puts an invite into a batch, also one that another device wrote (`remote`). */
  put(
    batch: SealedBatch,
    id: string,
    after: Invite,
    nowMs: number,
    origin: ChangeOrigin = 'local',
  ): () => void {
    const { tags, address, tell } = this.#deps;
    batch.put(invites, id, after);
    tell(batch, { kind: 'invite', origin, id, after });
    const source = `${INVITE_SOURCE}${id}`;
    const key = inviteTagKey(hexToBytes(after.secret), address);
    const apply = isOpen(after, nowMs)
      ? tags.watchSource(batch, source, key)
      : tags.restSource(batch, source);
    return () => {
      this.#byId.set(id, after);
      apply();
    };
  }
}

/** Whether mail under its tags is still taken as from a guest. */
export function isOpen(invite: Invite, nowMs: number): boolean {
  return invite.revokedAtMs === undefined && nowMs < invite.expiresAtMs;
}
