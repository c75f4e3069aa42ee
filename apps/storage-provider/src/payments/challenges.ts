/**
 * The challenges of a 402: stateless, because the id is an HMAC over everything else, so the server
 * recognises its own words when a credential repeats them. Before: api/payment-guard.ts.
 * Spec: docs/spec/34-provider-api.md, section "Paying".
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import {
  fromCompactJson,
  PAYMENT_METHOD,
  PAYMENT_REQUEST,
  toCompactJson,
} from '@tanglemail/mail/io/provider/payment-auth.ts';
import type { Challenge, PaymentRequest } from '@tanglemail/mail/io/provider/payment-auth.ts';
import { refuseWith } from '../refused.ts';
import type { Terms } from '../terms.ts';

/** What a request would have to pay, and the digest of its body. */
export interface Charge {
  readonly amount: bigint;
  /** RFC 9530 form: `sha-256=:…:`. */
  readonly digest: string;
  readonly channelId?: string;
  readonly requiredCumulative?: bigint;
}

export interface ChallengeOptions {
  readonly realm: string;
  /** HMAC key; derived from the bond key, so that a restart keeps open challenges valid. */
  readonly secret: Uint8Array;
  readonly suggestedDeposit: bigint;
}

export class Challenges {
  readonly #terms: Terms;
  readonly #options: ChallengeOptions;
  readonly #clock: Clock;

  constructor(terms: Terms, options: ChallengeOptions, clock: Clock) {
    this.#terms = terms;
    this.#options = options;
    this.#clock = clock;
  }

  /** A new challenge for a charge, valid for five minutes. */
  issue(charge: Charge): Challenge {
    const { offer, payee, times } = this.#terms;
    const expires = new Date(this.#clock.nowMs() + times.challengeLife * 1_000);
    const request: PaymentRequest = {
      amount: `${charge.amount}`,
      currency: 'bu',
      recipient: payee,
      suggestedDeposit: `${this.#options.suggestedDeposit}`,
      methodDetails: {
        networkId: `${this.#terms.networkId}`,
        bondId: bytesToHex(this.#terms.bondId),
        minTtl: offer.minTtl,
        maxTtl: offer.maxTtl,
        ...(charge.channelId === undefined ? {} : { channelId: charge.channelId }),
        ...(charge.requiredCumulative === undefined
          ? {}
          : { requiredCumulative: `${charge.requiredCumulative}` }),
      },
    };
    const parameters = {
      realm: this.#options.realm,
      method: PAYMENT_METHOD,
      intent: 'session',
      expires: expires.toISOString().replace(/\.\d{3}Z$/, 'Z'),
      request: toCompactJson(request),
      digest: charge.digest,
    } as const;
    return { id: this.#mac(parameters), ...parameters };
  }

  /**
   * Checks that a repeated challenge is ours, not expired, and for this charge. Refuses with
   * `challenge-invalid`, `challenge-expired`, `price-changed`.
   */
  verify(challenge: Challenge, charge: Charge): void {
    const facts = { charge: charge.amount };
    const { id, ...parameters } = challenge;
    const expected = Buffer.from(this.#mac(parameters));
    const given = Buffer.from(id);
    const isOurs = expected.length === given.length && timingSafeEqual(expected, given);
    if (!isOurs || challenge.digest !== charge.digest) refuseWith('challenge-invalid', facts);
    if (Date.parse(challenge.expires) < this.#clock.nowMs()) {
      refuseWith('challenge-expired', facts);
    }
    const request = fromCompactJson(challenge.request, PAYMENT_REQUEST);
    if (request?.amount !== `${charge.amount}`) refuseWith('price-changed', facts);
  }

  /** HMAC-SHA256 over the parameters in the fixed order of the draft, joined by `|`. */
  #mac(parameters: Omit<Challenge, 'id'>): string {
    const { realm, method, intent, request, expires, digest = '' } = parameters;
    const text = [realm, method, intent, request, expires, digest].join('|');
    return createHmac('sha256', this.#options.secret).update(text).digest('base64url');
  }
}
