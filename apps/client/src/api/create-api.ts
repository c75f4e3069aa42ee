/**
 * The local API's HTTP server on the loopback: REST, event socket, OpenAPI page. The daemon and
 * tests start it through this one factory. Before: cli/daemon.ts; after: the controllers,
 * service.ts. Spec: docs/spec/41-client-api.md.
 */
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { WsAdapter } from '@nestjs/platform-ws';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { describeParameters } from '@tanglemail/tangle/io/shell/describe-parameters.ts';
import { HTTP_APP_OPTIONS, type RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { BodyTickets } from '../html/body-tickets.ts';
import { answerFaces, WEB_PAGE_OPTIONS } from '@tanglemail/tangle/io/shell/web-pages.ts';
import { chmod } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata';
import { Access, guardAccess } from './access.ts';
import { AccountController } from './account.controller.ts';
import { ArchiveController } from './archive.controller.ts';
import { DraftsController } from './drafts.controller.ts';
import { MailboxController } from './mailbox.controller.ts';
import { BackupController } from './backup.controller.ts';
import { BodyController } from './body.controller.ts';
import { BridgeController } from './bridge.controller.ts';
import { ChatController } from './chat.controller.ts';
import { DevicesController } from './devices.controller.ts';
import { ContactsController } from './contacts.controller.ts';
import { API_PREFIX, MAX_BODY_BYTES, MAX_MESSAGE_BODY_BYTES } from './dto.ts';
import { EventsGateway } from './events.gateway.ts';
import { FiltersController } from './filters.controller.ts';
import { HooksController } from './hooks.controller.ts';
import { MessagesController } from './messages.controller.ts';
import { OutboxActionsController } from './outbox-actions.controller.ts';
import { OutboxController } from './outbox.controller.ts';
import { PeopleController } from './people.controller.ts';
import { ProblemFilter } from './problem.ts';
import { ProvidersController } from './providers.controller.ts';
import type { ApiServices } from './service.ts';
import { ParcelsController } from './parcels.controller.ts';
import {
  ACCESS,
  BACKUP,
  BRIDGE,
  CHAT,
  DEVICES,
  FILTERS,
  HOOKS,
  MAILBOX,
  OUTBOX,
  PARCELS,
  PEOPLE,
  SERVICE,
  VERSION,
} from './tokens.ts';
import { WalletController } from './wallet.controller.ts';
import { WebSessions } from './web-sessions.ts';
import { WebController } from './web.controller.ts';
import { PARAMETER_WORDS } from './parameter-words.ts';

export interface ApiOptions {
  /** A loopback address; anything else is a mistake of ours. */
  readonly host: '127.0.0.1' | '::1';
  /** 0 lets the system choose. */
  readonly port: number;
  /** Path of a unix socket to listen on in place of host and port. */
  readonly socketPath?: string;
  /** Secret of this run, at least 32 characters. */
  readonly token: string;
  /** Folder of the built web client; without it no pages are served. */
  readonly webDir?: string;
  /** Version of the program. */
  readonly version: string;
  readonly logger: Logger;
}

interface Area {
  readonly token: symbol;
  readonly controllers: readonly Type[];
}

/** The routes of each service, and the name under which its controllers find it. */
const AREAS: Record<keyof ApiServices, Area> = {
  local: {
    token: SERVICE,
    controllers: [
      AccountController,
      ContactsController,
      OutboxController,
      MessagesController,
      BodyController,
      WalletController,
      ProvidersController,
    ],
  },
  mailbox: {
    token: MAILBOX,
    controllers: [MailboxController, DraftsController, ArchiveController],
  },
  people: { token: PEOPLE, controllers: [PeopleController] },
  filters: { token: FILTERS, controllers: [FiltersController] },
  hooks: { token: HOOKS, controllers: [HooksController] },
  bridge: { token: BRIDGE, controllers: [BridgeController] },
  backup: { token: BACKUP, controllers: [BackupController] },
  outbox: { token: OUTBOX, controllers: [OutboxActionsController] },
  chat: { token: CHAT, controllers: [ChatController] },
  parcels: { token: PARCELS, controllers: [ParcelsController] },
  devices: { token: DEVICES, controllers: [DevicesController] },
};

/** The faces of the pages that this daemon stands behind. */
const FACES = ['mail', 'chat', 'contacts', 'wallet', 'settings'];

@Module({})
class ApiModule {
  static of(services: ApiServices, access: Access, version: string): DynamicModule {
    const areas = Object.entries(AREAS).flatMap(([name, area]) => {
      const useValue = services[name as keyof ApiServices];
      return useValue === undefined ? [] : [{ ...area, useValue }];
    });
    return {
      module: ApiModule,
      controllers: [WebController, ...areas.flatMap(({ controllers }) => controllers)],
      providers: [
        ...areas.map(({ token, useValue }) => ({ provide: token, useValue })),
        { provide: ACCESS, useValue: access },
        { provide: VERSION, useValue: version },
        EventsGateway,
      ],
    };
  }
}

/** Starts the API and resolves when it listens; rejects when the port is taken. */
export async function createApi(
  services: ApiServices,
  options: ApiOptions,
): Promise<RunningServer> {
  const sessions = new WebSessions(SYSTEM_RANDOM);
  const bodies = new BodyTickets(SYSTEM_RANDOM, SYSTEM_CLOCK);
  const access = new Access(options.token, sessions, bodies);
  const module = ApiModule.of(services, access, options.version);
  const app = await NestFactory.create<NestExpressApplication>(module, HTTP_APP_OPTIONS);
  app.disable('x-powered-by');
  app.use(guardAccess(access));
  app.use(answerFaces(FACES));
  if (options.webDir !== undefined) app.useStaticAssets(options.webDir, WEB_PAGE_OPTIONS);
  app.useBodyParser('raw', { type: 'message/rfc822', limit: MAX_MESSAGE_BODY_BYTES });
  app.useBodyParser('json', { type: isMessage, limit: MAX_MESSAGE_BODY_BYTES });
  app.useBodyParser('json', { limit: MAX_BODY_BYTES });
  app.useGlobalFilters(new ProblemFilter(options.logger));
  app.useWebSocketAdapter(createSocketAdapter(app));
  serveDocs(app, options.version);
  try {
    if (options.socketPath === undefined) await app.listen(options.port, options.host);
    else await listenOnSocket(app, options.socketPath);
  } catch (error) {
    await app.close();
    throw error;
  }
  const close = (): Promise<void> => app.close();
  if (options.socketPath !== undefined) return { url: `unix:${options.socketPath}`, close };
  const { port } = app.getHttpServer().address() as AddressInfo;
  const host = options.host === '::1' ? '[::1]' : options.host;
  return { url: `http://${host}:${port}`, close };
}

/** Nobody but the owner may connect; whoever listened there before has ended, or still holds it. */
async function listenOnSocket(app: NestExpressApplication, path: string): Promise<void> {
  await app.listen(path);
  await chmod(path, 0o600);
}

/** A message in JSON, its attachments within: the one body that may be large. */
function isMessage(request: IncomingMessage): boolean {
  const isJson = request.headers['content-type']?.startsWith('application/json') === true;
  const routes = [`${API_PREFIX}/messages`, `${API_PREFIX}/mailbox/drafts`];
  return isJson && request.method === 'POST' && routes.includes(request.url ?? '');
}

/** Every message goes to one handler, which refuses what it cannot read. */
function createSocketAdapter(app: NestExpressApplication): WsAdapter {
  return new WsAdapter(app, {
    messageParser: (raw: unknown) => ({ event: 'message', data: jsonOf(String(raw)) }),
  });
}

function serveDocs(app: NestExpressApplication, version: string): void {
  const builder = new DocumentBuilder()
    .setTitle('Tanglemail client')
    .setDescription('Amounts are decimal strings of base units, ids and bytes lowercase hex.')
    .setVersion(version)
    .addBearerAuth()
    .build();
  const document = () =>
    describeParameters(SwaggerModule.createDocument(app, builder), PARAMETER_WORDS);
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'docs-json',
    customSiteTitle: 'Tanglemail client API',
  });
}
