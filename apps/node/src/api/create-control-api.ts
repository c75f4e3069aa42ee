/**
 * The listener for the operator: on the loopback, with a token that is new at each start and
 * stands, with the address, in `control.json` of the data folder, which only its owner can read. No
 * CORS, no page. Used by main.ts; `tangle-node control` is its client (cli/control.ts).
 * Spec: docs/spec/11-node-api.md, "Control".
 */
import { Module, type DynamicModule } from '@nestjs/common';
import { SwaggerModule } from '@nestjs/swagger';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CONTROL_FILE,
  type ControlFileDto,
} from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';
import type { TangleNode } from '../node.ts';
import type { NodeControl } from '../query/node-control.ts';
import { guardControl } from './control-guard.ts';
import { ControlController } from './control.controller.ts';
import { createApp } from './http-app.ts';
import { documentOf } from './openapi.ts';
import { CONTROL } from './tokens.ts';

/** One person and a few scripts; making a snapshot may take its time. */
const LIMITS = {
  bodyLimitBytes: 65_536,
  rateLimit: { perSecond: 50, burst: 200 },
  trustedProxies: 0,
  corsOrigins: [],
  maxConnectionsPerAddress: 64,
  requestTimeoutMs: 3_600_000,
  maxSnapshotDownloads: 1,
};

const LOOPBACK = /^(127\.|::1$|localhost$)/;

@Module({})
class ControlModule {
  static of(control: NodeControl): DynamicModule {
    return {
      module: ControlModule,
      controllers: [ControlController],
      providers: [{ provide: CONTROL, useValue: control }],
    };
  }
}

/** The secret of one run. */
export function newControlToken(): string {
  return randomBytes(32).toString('hex');
}

/** Starts the control API of `node` and resolves when it listens and its file is written. */
export async function createControlApi(
  node: TangleNode,
  token = newControlToken(),
): Promise<RunningServer> {
  const { config, logger, clock } = node;
  const { host, port } = config.control;
  const guard = guardControl(token, host);
  const options = { ...LIMITS, logger, clock, guard };
  const app = await createApp(ControlModule.of(node.control), options);
  SwaggerModule.setup('docs', app, () => documentOf(app, 'Control of a tangle node'), {
    ui: false,
    jsonDocumentUrl: 'docs-json',
  });
  const path = join(config.dataDir, CONTROL_FILE);
  try {
    await app.listen(port, host);
    const url = await app.getUrl();
    const content: ControlFileDto = { url, token };
    await writeFileAtomically(path, `${JSON.stringify(content)}\n`, 0o600);
    if (!LOOPBACK.test(host)) logger.warn({}, 'control listens beyond the loopback, unencrypted');
    const close = async (): Promise<void> => {
      try {
        await rm(path, { force: true });
      } finally {
        await app.close();
      }
    };
    return { url, close };
  } catch (error) {
    await app.close();
    throw error;
  }
}
