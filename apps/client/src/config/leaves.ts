/**
 * The settings one by one, read from the schema: the name of each on the command line and in the
 * environment, its type in words, default and description. Help, docs and errors all use this list.
 */
import { z } from 'zod';
import { CONFIG_SCHEMA } from './schema.ts';

/** How the text of a flag or an environment variable becomes a value. */
export type LeafKind = 'text' | 'number' | 'boolean';

export interface Leaf {
  /** As in the file, nested by dots: `provider.maxPricePerMonth`. */
  readonly key: string;
  /** `--provider-max-price-per-month`. */
  readonly flag: string;
  /** `TANGLEMAIL_PROVIDER_MAX_PRICE_PER_MONTH`. */
  readonly variable: string;
  readonly kind: LeafKind;
  /** The accepted values in words: "an integer from 0 to 65535". */
  readonly expected: string;
  readonly description: string;
  readonly default: unknown;
}

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
}

/** Settings that people type often have a shorter flag. */
const SHORT_FLAGS: Readonly<Record<string, string>> = {
  'node.url': '--node',
  'api.port': '--port',
  genesisFile: '--genesis',
};

export const ENV_PREFIX = 'TANGLEMAIL_';

const PATTERNS: Readonly<Record<string, string>> = {
  '^[1-9][0-9]{0,18}$': 'a whole number of base units above 0, as text',
  '^https?:\\/\\/\\S+$': 'a URL that begins with http:// or https://',
};

function kindOf(schema: JsonSchema): LeafKind {
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  return schema.type === 'boolean' ? 'boolean' : 'text';
}

function expectedOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.pattern !== undefined) return PATTERNS[schema.pattern] ?? 'text of another form';
  const kind = kindOf(schema);
  if (kind === 'number') {
    const noun = schema.type === 'integer' ? 'an integer' : 'a number';
    return `${noun} from ${schema.minimum} to ${schema.maximum}`;
  }
  return kind === 'boolean' ? 'true or false' : 'text';
}

function kebab(key: string): string {
  return key.replaceAll('.', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function walk(schema: JsonSchema, prefix: string): Leaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (child.properties !== undefined) return walk(child, key);
    const leaf: Leaf = {
      key,
      flag: SHORT_FLAGS[key] ?? `--${kebab(key)}`,
      variable: ENV_PREFIX + kebab(key).replaceAll('-', '_').toUpperCase(),
      kind: kindOf(child),
      expected: expectedOf(child),
      description: child.description ?? '',
      default: child.default,
    };
    return [leaf];
  });
}

/** All settings in the order of the schema. */
export const CONFIG_LEAVES: readonly Leaf[] = walk(
  z.toJSONSchema(CONFIG_SCHEMA, { io: 'input' }) as JsonSchema,
  '',
);
