/**
 * Errors of the API as problem bodies (RFC 9457): {type, title, status, code, detail}, from the
 * table in client-error.ts. Spec: docs/spec/41-client-api.md, "Errors".
 */
import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { CLIENT_ERRORS, ClientError, type ClientErrorCode } from '../client-error.ts';
import { toClientError } from '../explain-error.ts';
import type { ProblemDto } from './dto.ts';
import {
  type HttpResponse,
  sendProblem as sendBody,
  statusOf,
} from '@tanglemail/tangle/io/shell/http.ts';

/** The problem body of an error. */
export function problemOf({ code, status, detail }: ClientError): ProblemDto {
  const { title } = CLIENT_ERRORS[code];
  const base = { type: `urn:tanglemail:error:${code}`, title, status, code };
  return detail === undefined ? base : { ...base, detail: detail.slice(0, 1_024) };
}

/** Answers with the problem body of `error`. */
export function sendProblem(response: HttpResponse, error: ClientError): void {
  if (error.status === 401) response.set('WWW-Authenticate', 'Bearer');
  sendBody(response, error.status, problemOf(error));
}

/** What Nest and the parsers of bodies refuse, by HTTP status. */
const BY_STATUS: Readonly<Partial<Record<number, ClientErrorCode>>> = {
  404: 'path-unknown',
  405: 'path-unknown',
  413: 'body-too-large',
  415: 'media-type-unknown',
};

/** Every error of a request becomes a problem body; an unknown one is logged and says nothing. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<HttpResponse>();
    if (response.headersSent) response.destroy();
    else sendProblem(response, this.#clientErrorOf(error));
  }

  #clientErrorOf(error: unknown): ClientError {
    const known = toClientError(error);
    if (known !== undefined) {
      if (known.kind === 'internal') this.#log(known.cause ?? known);
      return known;
    }
    const status = statusOf(error);
    if (status >= 500) {
      this.#log(error);
      return new ClientError('internal');
    }
    return new ClientError(BY_STATUS[status] ?? 'request-malformed');
  }

  #log(error: unknown): void {
    this.#logger.error(errorFields(error), 'a request failed');
  }
}
