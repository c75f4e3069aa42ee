/**
 * Puts a configuration together: command line before environment before file before default. A
 * value that does not fit, or a key that does not exist, becomes a ConfigError that names the key,
 * the value and what was expected, and where it came from. Pure: the caller reads files and
 * process.
 */
import type { ZodError } from 'zod';
import { CONFIG_LEAVES, ENV_PREFIX, type Leaf } from './leaves.ts';
import { CONFIG_SCHEMA, type NodeConfig } from './schema.ts';

/** A mistake of the operator; `message` is meant for them as it stands. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
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
  if (typeof text !== 'string') return [...text];
  if (leaf.kind === 'list') return text === '' ? [] : text.split(',').map((part) => part.trim());
  if (leaf.kind === 'number' && /^-?[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text);
  if (leaf.kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (leaf.kind === 'text') return text;
  throw new ConfigError(`${leaf.key} (from ${origin}) is ${show(text)}: expected ${leaf.expected}`);
}

function applyEnv(tree: Tree, env: ConfigSources['env'], origins: Map<string, string>): void {
  const byVariable = new Map(CONFIG_LEAVES.map((leaf) => [leaf.variable, leaf]));
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(ENV_PREFIX) || text === undefined) continue;
    if (variable === `${ENV_PREFIX}CONFIG`) continue;
    const leaf = byVariable.get(variable);
    if (leaf === undefined) {
      throw new ConfigError(
        `${variable} (from the environment) is ${show(text)}: expected no such variable; ` +
          'see docs/configuration.md for the names',
      );
    }
    setAt(tree, leaf.key, parseText(leaf, text, variable));
    origins.set(leaf.key, variable);
  }
}

function applyFlags(tree: Tree, flags: ConfigSources['flags'], origins: Map<string, string>): void {
  for (const leaf of CONFIG_LEAVES) {
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
function explain(error: ZodError, tree: Tree, origins: Map<string, string>, file: string): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'the configuration does not fit the schema';
  if (issue.code === 'unrecognized_keys') {
    const key = [...issue.path, issue.keys[0] ?? ''].join('.');
    const value = valueAt(tree, [...issue.path, issue.keys[0] ?? '']);
    const expected = 'expected no such key; see docs/configuration.md';
    return `${key} (from ${file}) is ${show(value)}: ${expected}`;
  }
  const names = issue.path.filter((part) => typeof part === 'string');
  const key = names.join('.');
  const leaf = CONFIG_LEAVES.find((candidate) => candidate.key === key);
  const expected = leaf?.expected ?? 'an object with keys as in docs/configuration.md';
  const value = show(valueAt(tree, issue.path));
  const name = key === '' ? 'the file' : key;
  return `${name} (from ${origins.get(key) ?? file}) is ${value}: expected ${expected}`;
}

/** The configuration that the sources make. Throws ConfigError. */
export function loadConfig(sources: ConfigSources): NodeConfig {
  const file = sources.file?.path ?? 'the defaults';
  const content = sources.file?.content ?? {};
  if (!isTree(content)) throw new ConfigError(`${file} does not hold a JSON object of settings`);
  const tree = structuredClone(content);
  const origins = new Map<string, string>();
  applyEnv(tree, sources.env, origins);
  applyFlags(tree, sources.flags, origins);
  const parsed = CONFIG_SCHEMA.safeParse(tree);
  if (!parsed.success) throw new ConfigError(explain(parsed.error, tree, origins, file));
  return parsed.data;
}
