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
import { CONTROL_PREFIX } from '@tanglemail/tangle/io/node-client/control-dto.ts';
import { listenMetrics } from '@tanglemail/tangle/io/shell/metrics-listener.ts';
import { answerFaces, WEB_PAGE_OPTIONS } from '@tanglemail/tangle/io/shell/web-pages.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { countAnswer } from '../metrics.ts';
import type { TangleNode } from '../node.ts';
import { BlocksController } from './blocks.controller.ts';
import { guardPageControl } from './control-guard.ts';
import { ControlController } from './control.controller.ts';
import { CoreController } from './core.controller.ts';
import { EventsGateway } from './events.gateway.ts';
import { FiltersController } from './filters.controller.ts';
import { IndexerController } from './indexer.controller.ts';
import { createApp } from './http-app.ts';
import { LedgerController } from './ledger.controller.ts';
import type { RouteClass } from './limits.ts';
import { documentOf } from './openapi.ts';
import { SnapshotsController } from './snapshots.controller.ts';
import { CONTROL, NODE } from './tokens.ts';

/** Where the build puts the pages; absent where the program runs from its sources. */
const WEB_DIR = join(import.meta.dirname, '../../../web');
const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** What the API of a node has besides its routes. */
export interface NodeApiOptions {
  /** Token of control, which the pages may then use as well; without it they only read. */
  readonly controlToken?: string | undefined;
  /** Folder of the built pages. */
  readonly webDir?: string;
}

@Module({})
class ApiModule {
  static of(node: TangleNode, hasControl: boolean): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        ...(hasControl ? [ControlController] : []),
        CoreController,
        BlocksController,
        LedgerController,
        FiltersController,
        IndexerController,
        SnapshotsController,
      ],
      providers: [
        { provide: NODE, useValue: node },
        { provide: CONTROL, useValue: node.control },
        EventsGateway,
      ],
    };
  }
}

/** Starts the API of `node` and resolves when it listens. */
export async function createApi(
  node: TangleNode,
  { controlToken, webDir = WEB_DIR }: NodeApiOptions = {},
): Promise<RunningApi> {
  const { api, metrics, dashboard } = node.config;
  const hasPages = dashboard.enabled ?? LOOPBACK.test(api.host);
  const pageToken = hasPages && api.trustedProxies === 0 ? controlToken : undefined;
  const { logger, clock } = node;
  const { rows } = node.metrics;
  const onAnswer = (route: RouteClass, status: number, seconds: number): void =>
    countAnswer(rows, route, status, seconds);
  const { trees } = node.query.proofs;
  rows.proofTreeBytes.onCollect((gauge) => gauge.set(trees.sizeBytes));
  rows.proofTreesBuilt.onCollect((gauge) => gauge.set(trees.built));
  const module = ApiModule.of(node, pageToken !== undefined);
  const app = await createApp(module, { ...api, logger, clock, onAnswer });
  if (pageToken !== undefined) app.use(CONTROL_PREFIX, guardPageControl(pageToken));
  if (hasPages) servePages(app, webDir);
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

/** The pages, and that they are to show the face of a node. */
function servePages(app: NestExpressApplication, webDir: string): void {
  app.use(answerFaces(['node']));
  if (existsSync(webDir)) app.useStaticAssets(webDir, WEB_PAGE_OPTIONS);
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
