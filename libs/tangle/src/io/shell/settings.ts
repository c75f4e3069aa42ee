/**
 * Puts a configuration together: command line before environment before file before default. A
 * value that does not fit, or a key that does not exist, becomes a ConfigError that names the key,
 * the value and what was expected, and where it came from. Pure: the caller reads files and
 * process. Path: leaves.ts → here → flags.ts, the programs.
 */
import type { z, ZodError } from 'zod';
import { leavesOf, type Leaf, type LeafNames } from './leaves.ts';

/** A mistake of the operator; `message` is meant for them as it stands. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface SettingsOptions<Schema extends z.ZodType> extends LeafNames {
  /** Strict objects in each other, with a default or `optional` for every value. */
  readonly schema: Schema;
  /** The page that describes all settings: `docs/configuration.md`. */
  readonly page: string;
  /** Variables with the prefix that are not settings, without it, besides `CONFIG`. */
  readonly otherVariables?: readonly string[];
}

/** The settings of one program. */
export interface Settings<Schema extends z.ZodType = z.ZodType> extends SettingsOptions<Schema> {
  readonly leaves: readonly Leaf[];
}

/** The settings that a schema and its names make. */
export function defineSettings<Schema extends z.ZodType>(
  options: SettingsOptions<Schema>,
): Settings<Schema> {
  return { ...options, leaves: leavesOf(options.schema, options) };
}

/** The environment variable that names the configuration file. */
export function fileVariableOf({ envPrefix }: Settings): string {
  return `${envPrefix}CONFIG`;
}

export interface ConfigSources {
  /** Flags by their name (`--api-port`); lists come as arrays of text. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The parsed content of the file and its path for messages. */
  readonly file?: { readonly path: string; readonly content: unknown };
}

type Tree = { [key: string]: unknown };

const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function setAt(tree: Tree, key: string, value: unknown): void {
  const names = key.split('.');
  const last = names.pop() as string;
  let at = tree;
  for (const name of names) {
    const child = at[name];
    const next = isTree(child) ? child : {};
    at[name] = next;
    at = next;
  }
  at[last] = value;
}

function parseText(leaf: Leaf, text: string | readonly string[], origin: string): unknown {
  // A list: a flag that was given several times, each time with one item or more.
  if (typeof text !== 'string') return text.flatMap(itemsOf);
  if (leaf.kind === 'list') return itemsOf(text);
  if (leaf.kind === 'number' && /^-?[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  if (leaf.kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (leaf.kind === 'text') return text;
  throw new ConfigError(`${leaf.key} (from ${origin}) is ${show(text)}: expected ${leaf.expected}`);
}

function itemsOf(text: string): string[] {
  return text === '' ? [] : text.split(',').map((part) => part.trim());
}

/** Settings that are being put together: the values, and where each came from. */
interface Draft {
  readonly tree: Tree;
  readonly origins: Map<string, string>;
}

function applyEnv(settings: Settings, env: ConfigSources['env'], { tree, origins }: Draft): void {
  const { envPrefix, leaves, otherVariables = [] } = settings;
  const byVariable = new Map(leaves.map((leaf) => [leaf.variable, leaf]));
  const others = new Set(otherVariables.map((name) => envPrefix + name));
  others.add(fileVariableOf(settings));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(envPrefix) || text === undefined || others.has(variable)) continue;
    const leaf = byVariable.get(variable);
    if (leaf === undefined) {
      throw new ConfigError(
        `${variable} (from the environment) is ${show(text)}: expected no such variable; ` +
          `see ${settings.page} for the names`,
      );
    }
    setAt(tree, leaf.key, parseText(leaf, text, variable));
    origins.set(leaf.key, variable);
  }
}

function applyFlags(
  { leaves }: Settings,
  flags: ConfigSources['flags'],
  { tree, origins }: Draft,
): void {
  for (const leaf of leaves) {
    const text = flags[leaf.flag];
    if (text === undefined) continue;
    setAt(tree, leaf.key, parseText(leaf, text, leaf.flag));
    origins.set(leaf.key, leaf.flag);
  }
}

function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let at = tree;
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[name];
  }
  return at;
}

/** The first issue, in words: one mistake at a time is what a person can act on. */
function explain(settings: Settings, error: ZodError, draft: Draft, file: string): string {
  const { page, leaves } = settings;
  const { tree, origins } = draft;
  const issue = error.issues[0];
  if (issue === undefined) return 'the configuration does not fit the schema';
  if (issue.code === 'unrecognized_keys') {
    const key = [...issue.path, issue.keys[0] ?? ''].join('.');
    const value = show(valueAt(tree, [...issue.path, issue.keys[0] ?? '']));
    return `${key} (from ${file}) is ${value}: expected no such key; see ${page}`;
  }
  const names = issue.path.filter((part) => typeof part === 'string');
  const key = names.join('.');
  const leaf = leaves.find((candidate) => candidate.key === key);
  const expected = leaf?.expected ?? `an object with keys as in ${page}`;
  const value = show(valueAt(tree, issue.path));
  const name = key === '' ? 'the file' : key;
  return `${name} (from ${origins.get(key) ?? file}) is ${value}: expected ${expected}`;
}

/** One setting as it is in force. */
export interface EffectiveSetting {
  readonly key: string;
  /** Undefined for a setting without a value. */
  readonly value: unknown;
  /** A flag, a variable, the path of the file, or `default`. */
  readonly origin: string;
}

/** Every setting with its value and where that came from, in the order of the schema. */
export function effectiveSettings<Schema extends z.ZodType>(
  settings: Settings<Schema>,
  sources: ConfigSources,
): EffectiveSetting[] {
  const { config, origins } = readSources(settings, sources);
  return settings.leaves.map(({ key }) => {
    const path = key.split('.');
    const isInFile = valueAt(sources.file?.content, path) !== undefined;
    const origin = origins.get(key) ?? (isInFile ? sources.file?.path : undefined) ?? 'default';
    return { key, value: valueAt(config, path), origin };
  });
}

/** The configuration that the sources make. Throws ConfigError. */
export function loadConfig<Schema extends z.ZodType>(
  settings: Settings<Schema>,
  sources: ConfigSources,
): z.output<Schema> {
  return readSources(settings, sources).config;
}

function readSources<Schema extends z.ZodType>(
  settings: Settings<Schema>,
  sources: ConfigSources,
): { readonly config: z.output<Schema>; readonly origins: ReadonlyMap<string, string> } {
  const file = sources.file?.path ?? 'the defaults';
  const content = sources.file?.content ?? {};
  if (!isTree(content)) throw new ConfigError(`${file} does not hold a JSON object of settings`);
  const draft: Draft = { tree: structuredClone(content), origins: new Map() };
  applyEnv(settings, sources.env, draft);
  applyFlags(settings, sources.flags, draft);
  const parsed = settings.schema.safeParse(draft.tree);
  if (!parsed.success) throw new ConfigError(explain(settings, parsed.error, draft, file));
  return { config: parsed.data, origins: draft.origins };
}
