/**
 * The settings one by one, read from the schema: the name of each on the command line and in the
 * environment, its type in words, default and description. Help, docs and errors all use this list.
 */
import { z } from 'zod';
import { CONFIG_SCHEMA } from './schema.ts';

/** How the text of a flag or an environment variable becomes a value. */
export type LeafKind = 'text' | 'number' | 'boolean' | 'list';

export interface Leaf {
  /** As in the file, nested by dots: `api.rateLimit.perSecond`. */
  readonly key: string;
  /** `--api-rate-limit-per-second`. */
  readonly flag: string;
  /** `TANGLE_NODE_API_RATE_LIMIT_PER_SECOND`. */
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
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly pattern?: string;
}

export const ENV_PREFIX = 'TANGLE_NODE_';

const PATTERNS: Readonly<Record<string, string>> = {
  '^[1-9][0-9]{0,18}$': 'a whole number of base units above 0, as text',
  '^\\/[a-z0-9]+\\/\\S+$': 'multiaddresses such as /ip4/0.0.0.0/tcp/15600',
  '^\\/[a-z0-9]+\\/\\S+\\/p2p\\/[1-9A-Za-z]+$':
    'multiaddresses such as /ip4/192.0.2.1/tcp/15600/p2p/12D3KooW…',
  '^https?:\\/\\/\\S+$': 'a URL that begins with http:// or https://',
};

function kindOf(schema: JsonSchema): LeafKind {
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'boolean') return 'boolean';
  return schema.type === 'array' ? 'list' : 'text';
}

function expectedOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.pattern !== undefined) return PATTERNS[schema.pattern] ?? 'text of another form';
  const kind = kindOf(schema);
  if (kind === 'number') {
    const noun = schema.type === 'integer' ? 'an integer' : 'a number';
    return `${noun} from ${schema.minimum} to ${schema.maximum}`;
  }
  if (kind === 'list') {
    const items = PATTERNS[schema.items?.pattern ?? ''] ?? 'texts';
    return `a list of at most ${schema.maxItems} ${items} (commas between them outside the file)`;
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
      flag: `--${kebab(key)}`,
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
