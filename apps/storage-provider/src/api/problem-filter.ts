/**
 * Errors of the API as problem bodies (RFC 9457), and every 402 with a fresh payment challenge. An
 * error that is not a refusal is logged and says nothing to the caller. Before: the controllers.
 * Spec: docs/spec/34-provider-api.md.
 */
import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { PROBLEM_TYPE_BASE, PROBLEMS, refuse } from '@tanglemail/mail/core/market/problems.ts';
import type { ProblemCode } from '@tanglemail/mail/core/market/problems.ts';
import { formatChallenge } from '@tanglemail/mail/io/provider/payment-auth.ts';
import { sendProblem, statusOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest, HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import type { Challenges } from '../payments/challenges.ts';
import { Refused } from '../refused.ts';
import type { ProblemFacts } from '../refused.ts';
import { StoreStopped } from '../store/group-store.ts';
import { digestOf } from './http.ts';

const BY_STATUS: Readonly<Record<number, ProblemCode>> = {
  404: 'not-found',
  405: 'not-found',
  413: 'body-too-large',
  429: 'rate-limited',
};

/** Seconds after which a refused request may be worth repeating. */
const RETRY_AFTER: Partial<Record<ProblemCode, string>> = {
  'rate-limited': '1',
  'ledger-unsynced': '30',
  'shutting-down': '5',
};

@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #challenges: Challenges;
  readonly #logger: Logger;

  constructor(challenges: Challenges, logger: Logger) {
    this.#challenges = challenges;
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<HttpResponse>();
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.#answer(this.#refusalOf(error), http.getRequest<HttpRequest>(), response);
  }

  #refusalOf(error: unknown): Refused {
    if (error instanceof Refused) return error;
    if (error instanceof StoreStopped) return new Refused(refuse('shutting-down'));
    const status = statusOf(error);
    if (status >= 500) {
      this.#logger.error(errorFields(error), 'a request failed inside the provider');
      return new Refused(refuse('internal'));
    }
    return new Refused(refuse(BY_STATUS[status] ?? 'request-malformed'));
  }

  #answer({ refusal, facts }: Refused, request: HttpRequest, response: HttpResponse): void {
    const { code, detail } = refusal;
    const { status } = PROBLEMS[code];
    if (status === 402) {
      const amount = facts.charge ?? facts.required ?? 0n;
      const channel = facts.channelId === undefined ? {} : { channelId: facts.channelId };
      const charge = { amount, digest: digestOf(request), ...channel };
      response.set('WWW-Authenticate', formatChallenge(this.#challenges.issue(charge)));
    }
    const retryAfter = RETRY_AFTER[code];
    if (retryAfter !== undefined) response.set('Retry-After', retryAfter);
    response.set('Cache-Control', 'no-store');
    sendProblem(response, status, problemBody(code, detail, facts));
  }
}

/** The members of a problem body; the rate limiter uses it too. */
export function problemBody(code: ProblemCode, detail?: string, facts: ProblemFacts = {}): object {
  const { required, balance, voucher, release } = facts;
  return {
    type: `${PROBLEM_TYPE_BASE}${code}`,
    title: PROBLEMS[code].title,
    status: PROBLEMS[code].status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(required === undefined ? {} : { required: `${required}` }),
    ...(balance === undefined ? {} : { balance: `${balance}` }),
    ...(release === undefined ? {} : { release: bytesToHex(release) }),
    ...(voucher === undefined
      ? {}
      : {
          voucher: {
            cumulative: `${voucher.cumulative}`,
            signature: bytesToHex(voucher.signature),
          },
        }),
  };
}
