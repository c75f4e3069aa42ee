/**
 * What every HTTP server of this program has: limits on bodies and requests, problem bodies, no
 * framework banner. Used by create-api.ts and create-faucet-api.ts.
 */
import 'reflect-metadata';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import {
  corsOriginOf,
  HTTP_APP_OPTIONS,
  type HttpRequest,
  type HttpResponse,
} from '@tanglemail/tangle/io/shell/http.ts';
import { limitServer, SERVER_TIMES } from '@tanglemail/tangle/io/shell/http-limits.ts';
import {
  rateLimit,
  RateLimiter,
  type RateLimitOptions,
} from '@tanglemail/tangle/io/shell/rate-limit.ts';
import { ApiProblem, ProblemFilter } from './problem.ts';

export interface HttpAppOptions {
  readonly bodyLimitBytes: number;
  readonly rateLimit: RateLimitOptions;
  readonly trustedProxies: number;
  readonly corsOrigins: readonly string[];
  readonly logger: Logger;
  readonly clock: Clock;
  /** Event sockets, where the server has them: they count as connections. */
  readonly maxSockets?: number;
  /** Told of every answer that went out, and the seconds that it took. */
  readonly onAnswer?: (statusCode: number, seconds: number) => void;
}

/** Connections besides event sockets. */
const MAX_CONNECTIONS = 1_024;

/** An application that does not listen yet. */
export async function createApp(
  module: DynamicModule,
  options: HttpAppOptions,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, HTTP_APP_OPTIONS);
  const maxConnections = MAX_CONNECTIONS + (options.maxSockets ?? 0);
  const malformed = ApiProblem.of('request-malformed').body;
  limitServer(app.getHttpServer(), { ...SERVER_TIMES, maxConnections }, malformed);
  app.disable('x-powered-by');
  app.set('trust proxy', options.trustedProxies);
  if (options.corsOrigins.length > 0) {
    app.enableCors({ origin: corsOriginOf(options.corsOrigins) });
  }
  if (options.onAnswer !== undefined) app.use(countAnswers(options.onAnswer));
  const limiter = new RateLimiter(options.rateLimit, options.clock);
  app.use(rateLimit(limiter, ApiProblem.of('rate-limited').body));
  app.useBodyParser('raw', { type: 'application/octet-stream', limit: options.bodyLimitBytes });
  app.useBodyParser('json', { limit: options.bodyLimitBytes });
  app.useGlobalFilters(new ProblemFilter(options.logger));
  return app;
}

/** First in the line, so that refusals by the limits behind it count too. */
function countAnswers(onAnswer: (statusCode: number, seconds: number) => void) {
  return (_request: HttpRequest, response: HttpResponse, next: () => void): void => {
    const startedMs = performance.now();
    response.on('finish', () => {
      onAnswer(response.statusCode, (performance.now() - startedMs) / 1_000);
    });
    next();
  };
}
