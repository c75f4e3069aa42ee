/**
 * What every HTTP server of this program has: limits on connections, bodies and requests, problem
 * bodies, no framework banner. Used by create-api.ts, create-control-api.ts, create-faucet-api.ts.
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
import { RateLimiter, type RateLimitOptions } from '@tanglemail/tangle/io/shell/rate-limit.ts';
import { limitRequests, type LimitsDeps, type LimitsOptions } from './limits.ts';
import { ApiProblem, ProblemFilter } from './problem.ts';

export interface HttpAppOptions extends LimitsOptions {
  readonly bodyLimitBytes: number;
  readonly rateLimit: RateLimitOptions;
  readonly trustedProxies: number;
  readonly corsOrigins: readonly string[];
  readonly maxConnectionsPerAddress: number;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Event sockets, where the server has them: they count as connections. */
  readonly maxSockets?: number;
  readonly onAnswer?: LimitsDeps['onAnswer'];
  /** Sees every request first, and answers those that it does not let through. */
  readonly guard?: Middleware;
}

export type Middleware = (request: HttpRequest, response: HttpResponse, next: () => void) => void;

/** Connections besides event sockets. */
const MAX_CONNECTIONS = 1_024;

/** An application that does not listen yet. */
export async function createApp(
  module: DynamicModule,
  options: HttpAppOptions,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, HTTP_APP_OPTIONS);
  const { trustedProxies, bodyLimitBytes, logger, clock } = options;
  const maxConnections = MAX_CONNECTIONS + (options.maxSockets ?? 0);
  const maxPerAddress = trustedProxies > 0 ? undefined : options.maxConnectionsPerAddress;
  const malformed = ApiProblem.of('request-malformed').body;
  limitServer(app.getHttpServer(), { ...SERVER_TIMES, maxConnections, maxPerAddress }, malformed);
  app.disable('x-powered-by');
  app.set('trust proxy', trustedProxies);
  if (options.corsOrigins.length > 0) {
    app.enableCors({
      origin: corsOriginOf(options.corsOrigins),
      exposedHeaders: ['Retry-After', 'ETag', 'Content-Range', 'Location'],
    });
  }
  if (options.guard !== undefined) app.use(options.guard);
  const limiter = new RateLimiter(options.rateLimit, clock);
  app.use(limitRequests(options, { limiter, onAnswer: options.onAnswer ?? (() => undefined) }));
  app.useBodyParser('raw', { type: 'application/octet-stream', limit: bodyLimitBytes });
  app.useBodyParser('json', { limit: bodyLimitBytes });
  app.useGlobalFilters(new ProblemFilter(logger));
  return app;
}
