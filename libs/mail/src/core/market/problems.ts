/**
 * The closed table of what a storage provider may answer instead of a service: code, HTTP status
 * and one sentence. The pure rules of this folder return these codes, the provider's API turns
 * them into RFC 9457 problem bodies, the client of the API reads them back.
 * Spec: docs/spec/34-provider-api.md.
 */
import type { Failure } from '@tanglemail/tangle/core/outcome.ts';

/** Start of every problem type URI; the code follows. */
export const PROBLEM_TYPE_BASE = 'https://tanglemail.invalid/problems/';

/** Code → HTTP status and the title of the problem body. Codes are never reused. */
export const PROBLEMS = {
  'request-malformed': {
    status: 400,
    title: 'The request does not have the form the API asks for',
  },
  'mailbox-signature': { status: 400, title: 'The mailbox key did not sign this request' },
  'channel-signature': { status: 400, title: 'The channel key did not sign this request' },
  'release-signature': { status: 400, title: 'The mailbox key did not sign this release' },
  'digest-mismatch': { status: 400, title: 'The body is not the one of its Content-Digest' },
  'root-mismatch': { status: 400, title: 'The body does not have this root' },
  'range-outside': { status: 416, title: 'The segments asked for lie outside the object' },
  'login-missing': { status: 401, title: 'This needs a session of the mailbox' },
  'login-invalid': { status: 401, title: 'The login nonce or its signature is not valid' },
  'session-expired': { status: 401, title: 'The session has ended; log in again' },
  'payment-required': { status: 402, title: 'This service has to be paid' },
  'balance-insufficient': { status: 402, title: 'The balance of the mailbox does not cover this' },
  'challenge-invalid': { status: 402, title: 'The payment answers a challenge that is not ours' },
  'challenge-expired': { status: 402, title: 'The payment answers a challenge that has expired' },
  'price-changed': { status: 402, title: 'The price has changed since the challenge was made' },
  'voucher-not-increasing': { status: 402, title: 'The voucher is lower than one accepted before' },
  'voucher-too-small': { status: 402, title: 'The voucher does not cover the amount asked for' },
  'voucher-wrong-channel': { status: 402, title: 'The voucher belongs to another channel' },
  'voucher-over-deposit': { status: 402, title: 'The voucher exceeds what the channel can pay' },
  'voucher-expired': { status: 402, title: 'The channel is too close to its expiry for vouchers' },
  'voucher-signature': { status: 402, title: 'The voucher is not signed by the channel key' },
  'channel-unconfirmed': { status: 402, title: 'No confirmed channel output has this id' },
  'channel-payee-wrong': { status: 402, title: 'The channel pays somebody else' },
  'channel-too-small': {
    status: 402,
    title: 'The deposit is below the least channel of the offer',
  },
  'channel-ttl': { status: 402, title: 'The expiry lies outside the limits of the offer' },
  'policy-forbids': { status: 403, title: 'The rules of this provider or mailbox forbid this' },
  'daily-limit-reached': { status: 403, title: 'The mailbox has spent its limit for the day' },
  'quota-exceeded': { status: 403, title: 'The free quota for unknown senders is used up' },
  'tag-unwatched': {
    status: 403,
    title: 'No mailbox here waits for this tag; the recipient has to accept the sender first',
  },
  'mailbox-cannot-pay': {
    status: 403,
    title: 'The mailbox of the recipient does not pay for this now',
  },
  'filters-full': { status: 403, title: 'The mailbox watches as many tags as it may' },
  'not-found': { status: 404, title: 'There is nothing under this address' },
  'mailbox-unknown': { status: 404, title: 'There is no such mailbox' },
  'object-unknown': { status: 404, title: 'There is no such object' },
  'not-stored': { status: 404, title: 'No object with this root is stored' },
  'upload-unknown': { status: 404, title: 'No parts are announced under this tag' },
  'upload-timeout': { status: 408, title: 'The body did not arrive in time' },
  'upload-closed': { status: 409, title: 'No parts are taken under this tag any more' },
  'part-unannounced': { status: 409, title: 'This part is not announced under this tag' },
  'balance-over-maximum': {
    status: 409,
    title: 'The balance would exceed the most an offer allows',
  },
  'idempotency-conflict': { status: 409, title: 'The idempotency key belongs to another request' },
  'state-conflict': { status: 409, title: 'The object or channel is not in a state for this' },
  'channel-gone': { status: 410, title: 'The channel is closed, being claimed or expired' },
  'object-gone': { status: 410, title: 'The object has expired and is purged' },
  'object-released': { status: 410, title: 'The recipient has released the object' },
  'body-too-large': { status: 413, title: 'The body or object is larger than this provider takes' },
  'upload-too-large': { status: 413, title: 'The recipient takes less ahead of one letter' },
  'rate-limited': { status: 429, title: 'Too many requests; try again later' },
  internal: { status: 500, title: 'The provider failed; the request may be repeated' },
  'ledger-unsynced': { status: 503, title: 'The provider lags behind the ledger' },
  'shutting-down': { status: 503, title: 'The provider is stopping' },
  'storage-full': { status: 507, title: 'The provider has no room for parts at present' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** A refusal of a market rule; the same shape as the ledger's failures. */
export type Refusal = Failure<ProblemCode>;

/** Builds a refusal. `detail` holds facts such as amounts, never text that came from a peer. */
export function refuse(code: ProblemCode, detail?: string): Refusal {
  const base = { ok: false, action: 'reject', code } as const;
  return detail === undefined ? base : { ...base, detail };
}

/** True when `text` is a code of the table; a client must not trust a provider's strings. */
export function isProblemCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}
