/**
 * The commands of `tangle-provider`: from settings to a running process (whose parts are loaded
 * late, so that help is quick) and back down on a signal in the reverse order; making keys; asking
 * a running provider how it is.
 */
import { Command } from 'commander';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import { addSettings, settingsOf } from '@tanglemail/tangle/io/shell/flags.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createLogger } from '@tanglemail/tangle/io/shell/log.ts';
import { closeAll } from '@tanglemail/tangle/io/shell/shutdown.ts';
import type { Closable } from '@tanglemail/tangle/io/shell/shutdown.ts';
import { outJson, UsageError } from '@tanglemail/tangle/io/shell/terminal.ts';
import type { Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { STATUS } from '@tanglemail/mail/io/provider/dto.ts';
import { renderConfigDocs } from '../config/docs.ts';
import { PROVIDER_SETTINGS } from '../config/schema.ts';
import type { ProviderConfig } from '../config/schema.ts';
import { generateKeys, writeKeyFile } from '../keys/key-file.ts';
import type { Provider } from '../provider.ts';

/** What starts the HTTP server; Nest stays behind it. */
export interface Servers {
  providerApi(provider: Provider): Promise<RunningServer>;
}

export function startCommand(terminal: Terminal, servers: Servers): Command {
  const command = new Command('start').description('run the provider until SIGINT or SIGTERM');
  addSettings(command, PROVIDER_SETTINGS, () => true);
  return command
    .addHelpText('after', '\nExample:\n  tangle-provider start --config provider.json')
    .action(async () => {
      const config = await settingsOf(command, PROVIDER_SETTINGS, terminal);
      await runProvider(config, terminal, servers);
    });
}

async function runProvider(
  config: ProviderConfig,
  terminal: Terminal,
  servers: Servers,
): Promise<void> {
  const logger = createLogger(config.logLevel, 'tangle-provider');
  const running: Closable[] = [];
  try {
    const { openProvider } = await import('../open-provider.ts');
    const provider = await openProvider(config, logger, running);
    provider.start();
    const api = await servers.providerApi(provider);
    running.push(api);
    logger.info({ url: api.url }, 'API is listening');
    const ending = await Promise.race([terminal.untilSignal(), provider.failure]);
    if (typeof ending !== 'string') throw ending;
    logger.info({ signal: ending }, 'stopping');
  } catch (error) {
    logger.error(errorFields(error), 'the provider ends because of a failure');
    throw error;
  } finally {
    await closeAll(running, logger);
  }
  logger.info({}, 'stopped');
}

export function initCommand(terminal: Terminal): Command {
  const command = new Command('init').description('make the key file of a new provider');
  addSettings(command, PROVIDER_SETTINGS, (key) => key === 'keyFile');
  return command
    .addHelpText('after', '\nExample:\n  tangle-provider init --key-file provider-key.json')
    .action(async () => {
      const { keyFile } = await settingsOf(command, PROVIDER_SETTINGS, terminal);
      await writeKeyFile(keyFile, generateKeys());
      terminal.out(`Keys are in ${keyFile}. Keep a copy: whoever has it is this provider.\n`);
    });
}

export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description('ask a running provider how it is')
    .option('--url <url>', 'its API', 'http://127.0.0.1:14280')
    .addHelpText('after', '\nExample:\n  tangle-provider status --url https://prov.example')
    .action(async ({ url }: { url: string }) => {
      const [status, health] = await Promise.all([
        getJson(`${url}/v1/status`),
        getJson(`${url}/health`),
      ]);
      const parsed = STATUS.safeParse(status);
      if (!parsed.success) throw new UsageError(`no storage provider answers at ${url}`);
      outJson(terminal, { ...parsed.data, health });
    });
}

export function configDocsCommand(terminal: Terminal): Command {
  return new Command('config-docs')
    .description('print docs/configuration-provider.md')
    .action(() => terminal.out(renderConfigDocs()));
}

async function getJson(url: string): Promise<unknown> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    return await response.json();
  } catch (cause) {
    throw new UsageError(`cannot reach ${url}`, { cause });
  }
}
