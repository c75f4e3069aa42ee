/**
 * Flags of settings for a command, and the configuration that they make together with environment
 * and file. Loaded only by commands that need settings: the schema takes a moment.
 */
import { readFile } from 'node:fs/promises';
import { addSettings as addFlags } from '@tanglemail/tangle/io/shell/flags.ts';
import type { Command } from 'commander';
import { dataFolder } from '../account/data-folder.ts';
import { ClientError } from '../client-error.ts';
import {
  type ConfigSources,
  fileVariableOf,
  loadConfig,
} from '@tanglemail/tangle/io/shell/settings.ts';
import { CLIENT_SETTINGS, type ClientConfig } from '../config/schema.ts';
import type { CommandContext } from './context.ts';

const FILE_VARIABLE = fileVariableOf(CLIENT_SETTINGS);

/** Adds `--config` and one flag for each setting whose key `wanted` accepts. */
export function addSettings(command: Command, wanted: (key: string) => boolean): Command {
  // The data folder is an option of the whole program.
  return addFlags(command, CLIENT_SETTINGS, (key) => key !== 'dataDir' && wanted(key));
}

/**
 * The configuration of a command whose flags `addSettings` made. Throws ConfigError, ClientError.
 */
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
  const file = await settingsFile(flags['--config'] ?? env[FILE_VARIABLE], context.dataDir);
  const sources: ConfigSources = { flags, env };
  const config = loadConfig(CLIENT_SETTINGS, file === undefined ? sources : { ...sources, file });
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
