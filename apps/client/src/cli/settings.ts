/**
 * Flags of settings for a command, and the configuration that they make together with environment
 * and file. Loaded only by commands that need settings: the schema takes a moment.
 */
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { dataFolder } from '../account/data-folder.ts';
import { ClientError } from '../client-error.ts';
import { CONFIG_LEAVES, ENV_PREFIX } from '../config/leaves.ts';
import { type ConfigSources, loadConfig } from '../config/load.ts';
import type { ClientConfig } from '../config/schema.ts';
import type { CommandContext } from './context.ts';

/** Adds `--config` and one flag for each setting whose key `wanted` accepts. */
export function addSettings(command: Command, wanted: (key: string) => boolean): Command {
  command.option('--config <file>', `JSON file of settings (or ${ENV_PREFIX}CONFIG)`);
  for (const leaf of CONFIG_LEAVES.filter(({ key }) => key !== 'dataDir' && wanted(key))) {
    const shown = leaf.default === undefined ? '' : ` (default: ${JSON.stringify(leaf.default)})`;
    command.addOption(new Option(`${leaf.flag} <value>`, `${leaf.description}${shown}`));
  }
  return command;
}

/** The configuration of a command whose flags `addSettings` made. Throws ConfigError, ClientError. */
export async function settingsOf(
  command: Command,
  context: CommandContext,
): Promise<ClientConfig & { readonly dataDir: string }> {
  const options: Readonly<Record<string, unknown>> = command.opts();
  const flags: Record<string, string> = { '--data-dir': context.dataDir };
  for (const option of command.options) {
    const value = options[option.attributeName()];
    if (typeof value === 'string' && typeof option.long === 'string') flags[option.long] = value;
  }
  const { env } = context.terminal;
  const file = await settingsFile(flags['--config'] ?? env[`${ENV_PREFIX}CONFIG`], context.dataDir);
  const sources: ConfigSources = { flags, env };
  const config = loadConfig(file === undefined ? sources : { ...sources, file });
  return { ...config, dataDir: context.dataDir };
}

/** The file that was named, else the one of the data folder if there is one. */
async function settingsFile(
  named: string | undefined,
  dataDir: string,
): Promise<ConfigSources['file']> {
  const path = named ?? dataFolder(dataDir).config;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (named === undefined && isMissing) return undefined;
    throw new ClientError('file-unusable', path, { cause });
  }
  try {
    return { path, content: JSON.parse(text) };
  } catch (cause) {
    throw new ClientError('file-unusable', `${path} is not valid JSON`, { cause });
  }
}
