/**
 * An OpenAPI 3.1 document as a test sees it: whether it is a valid one, and whether real answers
 * are what it promises, and nothing besides.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

export interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly parameters?: readonly { name: string; in: string; required?: boolean }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { description: string; content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: object }>>;

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const SCHEMA = { type: ['object', 'boolean'] };
const CONTENT = {
  type: 'object',
  minProperties: 1,
  propertyNames: { pattern: '^[a-z]+/[a-z0-9.+-]+$' },
  additionalProperties: {
    type: 'object',
    required: ['schema'],
    properties: { schema: SCHEMA },
    additionalProperties: false,
  },
};
const OPERATION = {
  type: 'object',
  required: ['operationId', 'summary', 'responses', 'tags', 'parameters'],
  properties: {
    operationId: { type: 'string', minLength: 1 },
    summary: { type: 'string', minLength: 3 },
    tags: { type: 'array', items: { type: 'string' }, minItems: 1 },
    parameters: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'in', 'required', 'description', 'schema'],
        properties: {
          name: { type: 'string' },
          in: { enum: ['path', 'query'] },
          required: { type: 'boolean' },
          description: { type: 'string', minLength: 3 },
          schema: SCHEMA,
        },
        additionalProperties: false,
      },
    },
    requestBody: {
      type: 'object',
      required: ['content'],
      properties: { required: { type: 'boolean' }, content: CONTENT },
      additionalProperties: false,
    },
    responses: {
      type: 'object',
      required: ['default'],
      minProperties: 2,
      propertyNames: { pattern: '^([1-5][0-9][0-9]|default)$' },
      additionalProperties: {
        type: 'object',
        required: ['description'],
        properties: { description: { type: 'string', minLength: 1 }, content: CONTENT },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};
/** The part of the OpenAPI 3.1 form that our documents use; anything else is not allowed. */
const DOCUMENT = {
  type: 'object',
  required: ['openapi', 'info', 'paths', 'components'],
  properties: {
    openapi: { pattern: '^3\\.1\\.[0-9]+$' },
    info: {
      type: 'object',
      required: ['title', 'version', 'license'],
      properties: {
        title: { type: 'string' },
        description: { type: 'string' },
        version: { type: 'string' },
        contact: { type: 'object' },
        license: { type: 'object', required: ['name'] },
      },
      additionalProperties: false,
    },
    tags: { type: 'array' },
    servers: { type: 'array' },
    paths: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        minProperties: 1,
        propertyNames: { enum: ['get', 'put', 'post', 'delete'] },
        additionalProperties: OPERATION,
      },
    },
    components: {
      type: 'object',
      required: ['schemas'],
      properties: {
        schemas: {
          type: 'object',
          propertyNames: { pattern: '^[A-Za-z0-9._-]+$' },
          additionalProperties: SCHEMA,
        },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

/** What is wrong with a document; empty for a valid one. */
export function faultsOf(document: OpenApi): string[] {
  const isForm = new Ajv2020({ allErrors: true, strictTypes: false }).compile(DOCUMENT);
  if (!isForm(document)) return (isForm.errors ?? []).map((one) => JSON.stringify(one));
  const faults: string[] = [];
  const ids = new Set<string>();
  for (const { path, method, operation } of operationsOf(document)) {
    const id = operation.operationId ?? '';
    if (ids.has(id)) faults.push(`${id} twice`);
    ids.add(id);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
    const given = (operation.parameters ?? []).filter((one) => one.in === 'path');
    if (given.some(({ required }) => required !== true)) faults.push(`${path}: not required`);
    if (given.map(({ name }) => name).join() !== inPath.join()) faults.push(`${method} ${path}`);
  }
  for (const [, ref = ''] of JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)) {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(ref)?.[1];
    if (name === undefined || document.components.schemas[name] === undefined) faults.push(ref);
  }
  return faults;
}

export function* operationsOf(document: OpenApi) {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) yield { path, method, operation };
  }
}

/** Checks answers against a document in which no object has a field that is not documented. */
export class AnswerChecker {
  readonly #ajv = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true });
  readonly #document: OpenApi;
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(document: OpenApi) {
    this.#document = closed(document);
    this.#ajv.addFormat('binary', true);
    this.#ajv.addKeyword('components');
  }

  /** What is wrong with an answer; undefined when the document promises exactly this. */
  async faultOf(method: string, path: string, answer: Response): Promise<string | undefined> {
    const operation = this.#document.paths[path]?.[method];
    if (operation === undefined) return 'not documented';
    const { status } = answer;
    const promised = operation.responses[status] ?? operation.responses['default'];
    if (operation.responses[status] === undefined && status < 400) return `status ${status}`;
    const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const body = new Uint8Array(await answer.arrayBuffer());
    if (promised?.content === undefined) return body.length === 0 ? undefined : 'a body';
    const schema = promised.content[type]?.schema;
    if (schema === undefined) return `type ${type} of status ${status}`;
    if (!type.endsWith('json')) return undefined;
    const check = this.#checkOf(schema);
    if (check(JSON.parse(Buffer.from(body).toString('utf8')))) return undefined;
    return JSON.stringify(check.errors);
  }

  #checkOf(schema: object): ValidateFunction {
    const key = JSON.stringify(schema);
    const known = this.#checks.get(key);
    if (known !== undefined) return known;
    const { components } = this.#document;
    const check = this.#ajv.compile({ allOf: [schema], components });
    this.#checks.set(key, check);
    return check;
  }
}

/** The document with every object closed to fields that it does not name. */
function closed<T>(value: T): T {
  if (Array.isArray(value)) return value.map((one: unknown) => closed(one)) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, closed(one)]);
  const copy = Object.fromEntries(entries) as Record<string, unknown>;
  const isObject = copy['type'] === 'object' && copy['properties'] !== undefined;
  if (isObject && copy['additionalProperties'] === undefined) copy['additionalProperties'] = false;
  return copy as T;
}
