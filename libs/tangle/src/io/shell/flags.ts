/**
 * Flags of every setting for a command, and the configuration they make together with environment
 * and file. Path: settings.ts → here → the commands of the programs.
 */
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { z } from 'zod';
import {
  effectiveSettings,
  fileVariableOf,
  loadConfig,
  type ConfigSources,
  type Settings,
} from './settings.ts';
import { UsageError, type Terminal } from './terminal.ts';

/** Adds `--config` and one flag per setting whose key `wanted` accepts. */
export function addSettings(
  command: Command,
  settings: Settings,
  wanted: (key: string) => boolean,
): Command {
  command.option('--config <file>', `JSON file of settings (or ${fileVariableOf(settings)})`);
  for (const leaf of settings.leaves.filter(({ key }) => wanted(key))) {
    const placeholder = leaf.kind === 'list' ? '<value...>' : '<value>';
    const shown = leaf.default === undefined ? '' : ` (default: ${JSON.stringify(leaf.default)})`;
    command.addOption(new Option(`${leaf.flag} ${placeholder}`, `${leaf.description}${shown}`));
  }
  return command;
}

type Flag = string | readonly string[];

/** The configuration of a command with `addSettings`. Throws ConfigError, UsageError. */
export async function settingsOf<Schema extends z.ZodType>(
  command: Command,
  settings: Settings<Schema>,
  terminal: Terminal,
): Promise<z.output<Schema>> {
  return loadConfig(settings, await sourcesOf(command, settings, terminal));
}

/** One line for each setting: key, value, and where it came from. Throws as `settingsOf`. */
export async function settingsText(
  command: Command,
  settings: Settings,
  terminal: Terminal,
): Promise<string> {
  const effective = effectiveSettings(settings, await sourcesOf(command, settings, terminal));
  const width = Math.max(...effective.map(({ key }) => key.length));
  const lines = effective.map(({ key, value, origin }) => {
    const shown = value === undefined ? 'not set' : JSON.stringify(value);
    return `${key.padEnd(width)}  ${shown}  (${origin})\n`;
  });
  return lines.join('');
}

/** What the command line, the environment and the file say. */
async function sourcesOf(
  command: Command,
  settings: Settings,
  terminal: Terminal,
): Promise<ConfigSources> {
  const options: Readonly<Record<string, Flag | undefined>> = command.opts();
  const flags: Record<string, Flag> = {};
  for (const option of command.options) {
    const value = options[option.attributeName()];
    if (value !== undefined && option.long !== undefined && option.long !== null) {
      flags[option.long] = value;
    }
  }
  const path = flags['--config'] ?? terminal.env[fileVariableOf(settings)];
  const sources: ConfigSources = { flags, env: terminal.env };
  if (typeof path !== 'string') return sources;
  return { ...sources, file: { path, content: await readJson(path) } };
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
