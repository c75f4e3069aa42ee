/**
 * Flags of every setting for a command, and the configuration they make together with environment
 * and file.
 */
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { CONFIG_LEAVES, ENV_PREFIX } from '../config/leaves.ts';
import { loadConfig, type ConfigSources } from '../config/load.ts';
import type { NodeConfig } from '../config/schema.ts';
import { UsageError, type Terminal } from './terminal.ts';

/** Adds `--config` and one flag per setting whose key `wanted` accepts. */
export function addSettings(command: Command, wanted: (key: string) => boolean): Command {
  command.option('--config <file>', `JSON file of settings (or ${ENV_PREFIX}CONFIG)`);
  for (const leaf of CONFIG_LEAVES.filter(({ key }) => wanted(key))) {
    const placeholder = leaf.kind === 'list' ? '<value...>' : '<value>';
    const shown = leaf.default === undefined ? '' : ` (default: ${JSON.stringify(leaf.default)})`;
    command.addOption(new Option(`${leaf.flag} ${placeholder}`, `${leaf.description}${shown}`));
  }
  return command;
}

type Flag = string | readonly string[];

/**
 * The configuration of a command whose flags `addSettings` made. Throws ConfigError, UsageError.
 */
export async function settingsOf(command: Command, terminal: Terminal): Promise<NodeConfig> {
  const options: Readonly<Record<string, Flag | undefined>> = command.opts();
  const flags: Record<string, Flag> = {};
  for (const option of command.options) {
    const value = options[option.attributeName()];
    if (value !== undefined && option.long !== undefined && option.long !== null) {
      flags[option.long] = value;
    }
  }
  const path = flags['--config'] ?? terminal.env[`${ENV_PREFIX}CONFIG`];
  const sources: ConfigSources = { flags, env: terminal.env };
  if (typeof path !== 'string') return loadConfig(sources);
  return loadConfig({ ...sources, file: { path, content: await readJson(path) } });
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read the configuration file ${path}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`the configuration file ${path} is not valid JSON`, { cause: error });
  }
}
