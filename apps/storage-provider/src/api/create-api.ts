/**
 * The HTTP server of a provider: REST, OpenAPI page, and the metrics on a listener of their own.
 * main.ts and tests start it through this one factory. Spec: docs/spec/34-provider-api.md.
 */
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import 'reflect-metadata';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { describeParameters } from '@tanglemail/tangle/io/shell/describe-parameters.ts';
import { corsOriginOf, HTTP_APP_OPTIONS } from '@tanglemail/tangle/io/shell/http.ts';
import type { HttpRequest, HttpResponse, RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { limitServer, SERVER_TIMES } from '@tanglemail/tangle/io/shell/http-limits.ts';
import { listenMetrics } from '@tanglemail/tangle/io/shell/metrics-listener.ts';
import { RateLimiter, rateLimit } from '@tanglemail/tangle/io/shell/rate-limit.ts';
import type { Provider } from '../provider.ts';
import { ChannelController } from './channel-controller.ts';
import { MailboxController } from './mailbox-controller.ts';
import { ObjectController } from './object-controller.ts';
import { PartController } from './part-controller.ts';
import { OfferController, VERSION } from './offer-controller.ts';
import { problemBody, ProblemFilter } from './problem-filter.ts';
import { PushGateway } from './push.gateway.ts';
import { PROVIDER } from './tokens.ts';
import { PARAMETER_WORDS } from './parameter-words.ts';

/** Bytes of a request body: 4,096 tags to add and to remove are some 300 KiB of JSON. */
const BODY_LIMIT = 524_288;
const MAX_CONNECTIONS = 2_048;

@Module({})
class ApiModule {
  static of(provider: Provider): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        OfferController,
        MailboxController,
        ObjectController,
        PartController,
        ChannelController,
      ],
      providers: [{ provide: PROVIDER, useValue: provider }, PushGateway],
    };
  }
}

/** Starts the API of `provider` and resolves when it listens. */
export async function createApi(provider: Provider): Promise<RunningApi> {
  const { api, metrics } = provider.config;
  const app = await NestFactory.create<NestExpressApplication>(ApiModule.of(provider), {
    ...HTTP_APP_OPTIONS,
    rawBody: true,
  });
  const limits = { ...SERVER_TIMES, maxConnections: MAX_CONNECTIONS };
  limitServer(app.getHttpServer(), limits, problemBody('request-malformed'));
  app.disable('x-powered-by');
  app.set('trust proxy', api.trustedProxies);
  app.use(countRequests(provider));
  const limiter = new RateLimiter(api.rateLimit, provider.clock);
  app.use(rateLimit(limiter, problemBody('rate-limited')));
  app.useBodyParser('json', { limit: BODY_LIMIT });
  app.useGlobalFilters(new ProblemFilter(provider.challenges, provider.logger));
  if (api.corsOrigins.length > 0) {
    app.enableCors({
      origin: corsOriginOf(api.corsOrigins),
      exposedHeaders: ['WWW-Authenticate', 'Payment-Receipt', 'Retry-After', 'Content-Range'],
    });
  }
  app.useWebSocketAdapter(createSocketAdapter(app));
  serveDocs(app);
  const { registry } = provider.metrics;
  const listener = metrics.enabled ? await listenMetrics(metrics, registry) : undefined;
  const close = async (): Promise<void> => {
    await listener?.close();
    await app.close();
  };
  try {
    await app.listen(api.port, api.host);
    return { url: await app.getUrl(), metricsUrl: listener?.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every message of a socket goes to one handler, which refuses what it cannot read. */
function createSocketAdapter(app: NestExpressApplication): WsAdapter {
  return new WsAdapter(app, {
    messageParser: (raw: unknown) => ({ event: 'message', data: jsonOf(String(raw)) }),
  });
}

function countRequests(provider: Provider) {
  return (_request: HttpRequest, response: HttpResponse, next: () => void): void => {
    response.on('finish', () => {
      const { statusCode } = response;
      const known = ['2xx', '3xx', '4xx', '5xx'] as const;
      const status = statusCode === 402 ? '402' : known[Math.floor(statusCode / 100) - 2];
      if (status) provider.metrics.table.requests.inc({ status });
    });
    next();
  };
}

function serveDocs(app: NestExpressApplication): void {
  const builder = new DocumentBuilder()
    .setTitle('Storage provider')
    .setDescription('Ids and bytes are lowercase hex, amounts decimal strings of base units.')
    .setVersion(VERSION)
    .build();
  const document = () =>
    describeParameters(SwaggerModule.createDocument(app, builder), PARAMETER_WORDS);
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Storage provider API',
  });
}
