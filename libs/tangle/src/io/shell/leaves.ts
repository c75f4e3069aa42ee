/**
 * The settings of a program one by one, read from its schema: the name of each on the command line
 * and in the environment, its type in words, default and description. Help, pages and errors all
 * use this list. Path: setting-types.ts and the schema of a program → here → settings.ts.
 */
import { z } from 'zod';

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

/** How the settings of one program are called outside its file. */
export interface LeafNames {
  /** Prefix of the environment variables: `TANGLE_NODE_`. */
  readonly envPrefix: string;
  /** Shorter flags of settings that people type often, by key: `node.url` → `--node`. */
  readonly shortFlags?: Readonly<Record<string, string>>;
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
  /** From setting-types.ts: a pattern in words. */
  readonly expected?: string;
}

function kindOf(schema: JsonSchema): LeafKind {
  if (schema.type === 'integer' || schema.type === 'number') return 'number';
  if (schema.type === 'boolean') return 'boolean';
  return schema.type === 'array' ? 'list' : 'text';
}

function expectedOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.pattern !== undefined) return schema.expected ?? 'text of another form';
  const kind = kindOf(schema);
  if (kind === 'number') {
    const noun = schema.type === 'integer' ? 'an integer' : 'a number';
    return `${noun} from ${schema.minimum} to ${schema.maximum}`;
  }
  if (kind === 'list') {
    const items = schema.items?.expected ?? 'texts';
    return `a list of at most ${schema.maxItems} ${items} (commas between them outside the file)`;
  }
  return kind === 'boolean' ? 'true or false' : 'text';
}

function kebab(key: string): string {
  return key.replaceAll('.', '-').replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function walk(schema: JsonSchema, prefix: string, names: LeafNames): Leaf[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (child.properties !== undefined) return walk(child, key, names);
    const leaf: Leaf = {
      key,
      flag: names.shortFlags?.[key] ?? `--${kebab(key)}`,
      variable: names.envPrefix + kebab(key).replaceAll('-', '_').toUpperCase(),
      kind: kindOf(child),
      expected: expectedOf(child),
      description: child.description ?? '',
      default: child.default,
    };
    return [leaf];
  });
}

/** All settings of `schema` in its order. */
export function leavesOf(schema: z.ZodType, names: LeafNames): readonly Leaf[] {
  return walk(z.toJSONSchema(schema, { io: 'input' }) as JsonSchema, '', names);
}
