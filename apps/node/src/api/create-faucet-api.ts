/**
 * The HTTP server of the faucet. Spec: docs/spec/11-node-api.md, "Faucet".
 */
import { Module, type DynamicModule } from '@nestjs/common';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { NodeConfig } from '../config/schema.ts';
import type { Faucet } from '../faucet/faucet.ts';
import { FaucetController } from './faucet.controller.ts';
import { createApp } from './http-app.ts';
import { FAUCET } from './tokens.ts';

@Module({})
class FaucetModule {
  static of(faucet: Faucet): DynamicModule {
    return {
      module: FaucetModule,
      controllers: [FaucetController],
      providers: [{ provide: FAUCET, useValue: faucet }],
    };
  }
}

/** Starts the faucet's API and resolves when it listens. */
export async function createFaucetApi(
  faucet: Faucet,
  config: NodeConfig,
  logger: Logger,
): Promise<RunningServer> {
  const options = { ...config.api, logger, clock: SYSTEM_CLOCK };
  const app = await createApp(FaucetModule.of(faucet), options);
  await app.listen(config.faucet.port, config.faucet.host);
  return { url: await app.getUrl(), close: () => app.close() };
}
