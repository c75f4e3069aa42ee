/**
 * Invites in the self-log: made, used first by somebody, ended. Each is a register of its own that
 * is written once, so nothing that happens at the same time takes an ending back. Before:
 * contacts/invite-book.ts; after: the other devices. Spec: docs/spec/26-self-log.md, "Values".
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  isKind,
  type Operation,
  type OperationBody,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import { count, type Invite, invites, mailAddress } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { readJson, setJson } from './log-values.ts';

const [MADE, USED, ENDED] = ['00', '01', '02'];
/** SHA-256 of the secret, and one byte for the part. */
const KEY = /^[0-9a-f]{66}$/;

export interface InviteLogDeps {
  readonly log: DeviceLog;
  readonly contacts: ContactBook;
  readonly store: Pick<SealedStore, 'opaque'>;
  readonly nowMs: () => number;
}

export class InviteLog {
  readonly #deps: InviteLogDeps;

  constructor(deps: InviteLogDeps) {
    this.#deps = deps;
    deps.contacts.observe((batch, change) => {
      if (change.kind === 'invite' && change.origin === 'local') this.#journal(batch, change.after);
    });
  }

  /** Invites that the log does not know yet: those of before the first device was made. */
  journalAll(batch: SealedBatch): void {
    for (const { id: _id, ...invite } of this.#deps.contacts.invites.list()) {
      this.#journal(batch, invite);
    }
  }

  #journal(batch: SealedBatch, invite: Invite): void {
    const { log } = this.#deps;
    const view = log.view();
    const { usedBy, revokedAtMs, ...made } = invite;
    const hash = hashOf(invite);
    const parts: readonly [string, unknown][] = [
      [`${hash}${MADE}`, made],
      [`${hash}${USED}`, usedBy],
      [`${hash}${ENDED}`, revokedAtMs],
    ];
    const bodies = parts.flatMap(([key, value]): OperationBody[] => {
      if (value === undefined || readRegister(view, 'invite', key) !== undefined) return [];
      return [setJson('invite', key, value) ?? []].flat();
    });
    if (bodies.length > 0) log.journal(batch, ...bodies);
  }

  /** Puts what operations of other devices mean for invites into the batch. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const hashes = new Set<string>();
    for (const one of operations) {
      if (!isKind(one, 'set') || one.body.register !== 'invite') continue;
      if (KEY.test(one.body.key)) hashes.add(one.body.key.slice(0, 64));
    }
    return [...hashes].flatMap((hash) => this.#applyOne(batch, hash));
  }

  #applyOne(batch: SealedBatch, hash: string): (() => void)[] {
    const { log, contacts, store, nowMs } = this.#deps;
    const view = log.view();
    const made = readJson(readRegister(view, 'invite', `${hash}${MADE}`), invites.schema);
    if (made === undefined || hashOf(made) !== hash) return [];
    const usedBy = readJson(readRegister(view, 'invite', `${hash}${USED}`), mailAddress);
    const revokedAtMs = readJson(readRegister(view, 'invite', `${hash}${ENDED}`), count);
    const after: Invite = {
      ...made,
      ...(usedBy === undefined ? {} : { usedBy }),
      ...(revokedAtMs === undefined ? {} : { revokedAtMs }),
    };
    const id = store.opaque(made.secret);
    const known = contacts.invites.list().find((one) => one.id === id);
    // One whose time is over may have been forgotten here: it does not come back into the list.
    if (known === undefined && nowMs() >= made.expiresAtMs) return [];
    if (
      known !== undefined &&
      JSON.stringify({ ...after, id }) === JSON.stringify({ ...known, id })
    )
      return [];
    return [contacts.invites.put(batch, id, after, nowMs(), 'remote')];
  }
}

function hashOf({ secret }: Pick<Invite, 'secret'>): string {
  return bytesToHex(sha256(hexToBytes(secret)));
}
