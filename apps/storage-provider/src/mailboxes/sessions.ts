/**
 * Logins without state: nonce and session token each carry their own end and a MAC, so a restart
 * ends no session and nothing grows with the number of visitors. Before: api/session-controller.ts.
 * Spec: docs/spec/33-mailbox.md, section "Login".
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock, Verifier } from '@tanglemail/tangle/core/ports.ts';
import { loginMessage } from '@tanglemail/mail/core/market/signed-requests.ts';
import { refuseWith } from '../refused.ts';
import type { StoreView } from '../store/group-store.ts';
import { readMailbox } from '../store/rows.ts';
import type { Terms } from '../terms.ts';

const MAC_LENGTH = 16;
/** Nonce: end u32 ‖ random 12 ‖ MAC 16. */
const RANDOM_LENGTH = 12;

export class Sessions {
  readonly #terms: Terms;
  readonly #secret: Uint8Array;
  readonly #deps: { store: StoreView; verifier: Verifier; clock: Clock };

  constructor(
    terms: Terms,
    secret: Uint8Array,
    deps: { store: StoreView; verifier: Verifier; clock: Clock },
  ) {
    this.#terms = terms;
    this.#secret = secret;
    this.#deps = deps;
  }

  /** 32 bytes for the mailbox key to sign. */
  nonce(mailboxId: string): Uint8Array {
    const end = this.#endBytes(this.#terms.times.loginLife);
    const body = Buffer.concat([end, randomBytes(RANDOM_LENGTH)]);
    return new Uint8Array(Buffer.concat([body, this.#mac('nonce', mailboxId, body)]));
  }

  /** Checks nonce and signature; returns a token. Refuses with `login-invalid`. */
  login(
    mailboxId: string,
    nonce: Uint8Array,
    signature: Uint8Array,
  ): { token: string; expiresAt: number } {
    const mailbox = readMailbox(this.#deps.store, mailboxId) ?? refuseWith('mailbox-unknown');
    const body = nonce.subarray(0, nonce.length - MAC_LENGTH);
    const isOurs = this.#isMac('nonce', mailboxId, body, nonce.subarray(body.length));
    const isFresh = isOurs && this.#endOf(body) >= this.#now();
    const message = loginMessage(this.#terms, mailboxId, nonce);
    if (!isFresh || !this.#deps.verifier.verify(mailbox.publicKey, message, signature)) {
      refuseWith('login-invalid');
    }
    const end = this.#endBytes(this.#terms.times.sessionLife);
    const mac = this.#mac('session', mailboxId, end);
    const token = Buffer.concat([hexToBytes(mailboxId), end, mac]).toString('base64url');
    return { token, expiresAt: this.#endOf(end) };
  }

  /** The mailbox of a bearer token. Refuses with `login-missing`, `session-expired`. */
  mailboxOf(authorization: string | undefined): string {
    const match = /^Bearer ([A-Za-z0-9_-]{1,128})$/i.exec(authorization ?? '');
    if (!match) return refuseWith('login-missing');
    const token = Buffer.from(match[1] as string, 'base64url');
    if (token.length !== 32 + 4 + MAC_LENGTH) return refuseWith('login-missing');
    const mailboxId = bytesToHex(token.subarray(0, 32));
    const end = token.subarray(32, 36);
    if (!this.#isMac('session', mailboxId, end, token.subarray(36))) refuseWith('login-missing');
    if (this.#endOf(end) < this.#now()) refuseWith('session-expired');
    return mailboxId;
  }

  #now(): number {
    return Math.floor(this.#deps.clock.nowMs() / 1_000);
  }

  #endBytes(life: number): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(this.#now() + life);
    return bytes;
  }

  #endOf(body: Uint8Array): number {
    return Buffer.from(body).readUInt32LE(0);
  }

  #mac(kind: string, mailboxId: string, body: Uint8Array): Buffer {
    const hmac = createHmac('sha256', this.#secret).update(`${kind}|${mailboxId}|`).update(body);
    return hmac.digest().subarray(0, MAC_LENGTH);
  }

  #isMac(kind: string, mailboxId: string, body: Uint8Array, mac: Uint8Array): boolean {
    return mac.length === MAC_LENGTH && timingSafeEqual(this.#mac(kind, mailboxId, body), mac);
  }
}
