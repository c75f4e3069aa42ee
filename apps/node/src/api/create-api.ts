/**
 * The HTTP server of a node: REST, event socket, OpenAPI page, and the metrics on a listener of
 * their own. main.ts and tests start it through this one factory. Spec: docs/spec/11-node-api.md.
 */
import { Module, type DynamicModule } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { SwaggerModule } from '@nestjs/swagger';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { listenMetrics } from '@tanglemail/tangle/io/shell/metrics-listener.ts';
import { countAnswer } from '../metrics.ts';
import type { TangleNode } from '../node.ts';
import { BlocksController } from './blocks.controller.ts';
import { CoreController } from './core.controller.ts';
import { EventsGateway } from './events.gateway.ts';
import { FiltersController } from './filters.controller.ts';
import { IndexerController } from './indexer.controller.ts';
import { createApp } from './http-app.ts';
import { LedgerController } from './ledger.controller.ts';
import type { RouteClass } from './limits.ts';
import { documentOf } from './openapi.ts';
import { SnapshotsController } from './snapshots.controller.ts';
import { NODE } from './tokens.ts';

@Module({})
class ApiModule {
  static of(node: TangleNode): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        CoreController,
        BlocksController,
        LedgerController,
        FiltersController,
        IndexerController,
        SnapshotsController,
      ],
      providers: [{ provide: NODE, useValue: node }, EventsGateway],
    };
  }
}

/** Starts the API of `node` and resolves when it listens. */
export async function createApi(node: TangleNode): Promise<RunningApi> {
  const { api, metrics } = node.config;
  const { logger, clock } = node;
  const { rows } = node.metrics;
  const onAnswer = (route: RouteClass, status: number, seconds: number): void =>
    countAnswer(rows, route, status, seconds);
  const { trees } = node.query.proofs;
  rows.proofTreeBytes.onCollect((gauge) => gauge.set(trees.sizeBytes));
  rows.proofTreesBuilt.onCollect((gauge) => gauge.set(trees.built));
  const app = await createApp(ApiModule.of(node), { ...api, logger, clock, onAnswer });
  app.useWebSocketAdapter(createSocketAdapter(app));
  serveDocs(app);
  const listener = metrics.enabled
    ? await listenMetrics(metrics, node.metrics.registry)
    : undefined;
  const close = async (): Promise<void> => {
    try {
      await listener?.close();
    } finally {
      await app.close();
    }
  };
  try {
    await app.listen(api.port, api.host);
    return { url: await app.getUrl(), metricsUrl: listener?.url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Every message goes to one handler, which answers what it cannot read. */
function createSocketAdapter(app: NestExpressApplication): WsAdapter {
  return new WsAdapter(app, {
    messageParser: (raw: unknown) => ({ event: 'message', data: jsonOf(String(raw)) }),
  });
}

function serveDocs(app: NestExpressApplication): void {
  SwaggerModule.setup('docs', app, () => documentOf(app, 'Tangle node'), {
    jsonDocumentUrl: 'docs-json',
    customSiteTitle: 'Tangle node API',
  });
}
