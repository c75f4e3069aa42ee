/**
 * OpenAPI 3.1 from the schemas that both sides of the API share (tangle/io/node-client): its JSON
 * Schema is the very same that zod makes, so nothing is written twice. Each shape has a name, under
 * which generated clients find it. Path: controllers → here → create-api.ts.
 */
import { applyDecorators, type INestApplication } from '@nestjs/common';
import {
  ApiDefaultResponse,
  ApiOperation,
  ApiResponse,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { blockDto, blockJson, payloadJson } from '@tanglemail/tangle/io/node-client/block-dto.ts';
import * as control from '@tanglemail/tangle/io/node-client/control-dto.ts';
import * as dto from '@tanglemail/tangle/io/node-client/dto.ts';
import { describeParameters } from '@tanglemail/tangle/io/shell/describe-parameters.ts';
import { z } from 'zod';
import { PARAMETER_WORDS } from './parameter-words.ts';

type Content = Record<string, { schema: object }>;

/** The answer of `peers`. */
export const peersDto = z.array(dto.peerDto).max(1_000);

/** The names of all shapes in the documents. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  Balance: dto.balanceDto,
  Bans: control.bansDto,
  Block: blockDto,
  BlockFields: blockJson,
  BlockId: dto.blockIdDto,
  BlockMetadata: dto.blockMetadataDto,
  BlockProof: dto.blockProofDto,
  Children: dto.childrenDto,
  Elections: dto.electionsDto,
  Genesis: dto.genesisDto,
  Health: dto.healthDto,
  Info: dto.infoDto,
  KnownPeers: control.knownPeersDto,
  Live: dto.liveDto,
  LogLevel: control.logLevelDto,
  Milestone: dto.milestoneDto,
  MilestoneBlocks: dto.milestoneBlocksDto,
  MilestoneRef: dto.milestoneRefDto,
  NewBan: control.newBanDto,
  NewPeer: control.newPeerDto,
  NewSnapshot: control.newSnapshotDto,
  Output: dto.outputDto,
  OutputInfo: dto.outputInfoDto,
  OutputMetadata: dto.outputMetadataDto,
  OutputProof: dto.outputProofDto,
  OutputsPage: dto.outputsPageDto,
  Payload: payloadJson,
  Peer: dto.peerDto,
  Peers: peersDto,
  Problem: dto.problemDto,
  Pruning: control.pruningDto,
  PruneTo: control.pruneToDto,
  Routes: dto.routesDto,
  SnapshotFile: dto.snapshotFileDto,
  Snapshots: dto.snapshotsDto,
  Status: control.statusDto,
  TaggedDataPage: dto.taggedDataPageDto,
  Tips: dto.tipsDto,
  UtxoChanges: dto.utxoChangesDto,
  Validator: dto.validatorDto,
};

const BYTES = 'application/octet-stream';
const BINARY = { type: 'string', format: 'binary' };

/** A reference to a named shape, or the shape itself. */
function schemaOf(shape: z.ZodType): object {
  const name = Object.entries(NAMED).find(([, one]) => one === shape)?.[0];
  if (name !== undefined) return { $ref: refTo(name) };
  const { $schema: _, ...schema } = z.toJSONSchema(shape, SCHEMA_OPTIONS);
  return schema;
}

const SCHEMA_OPTIONS = { io: 'input', unrepresentable: 'any' } as const;

function refTo(name: string): string {
  return `#/components/schemas/${name}`;
}

export interface AnswerOptions {
  /** HTTP status of success; 200 by default. */
  readonly status?: number;
  /** The same answer exists as raw bytes for `Accept: application/octet-stream`. */
  readonly bytes?: boolean;
  /** Further statuses with the same shape. */
  readonly other?: readonly number[];
  /** The shape of a JSON body. */
  readonly body?: z.ZodType;
  /** The request may also be raw bytes. */
  readonly takesBytes?: boolean;
}

/** Documents one operation: what it takes, what it answers, and the problem body of its errors. */
export function Answers(summary: string, shape: z.ZodType, options: AnswerOptions = {}) {
  const statuses = [options.status ?? 200, ...(options.other ?? [])];
  const content: Content = { 'application/json': { schema: schemaOf(shape) } };
  if (options.bytes) content[BYTES] = { schema: BINARY };
  return applyDecorators(
    Operation(summary, options),
    ...statuses.map((status) => answer(status, 'Success', content)),
  );
}

/** Documents a download. */
export function AnswersBytes(summary: string) {
  const content: Content = { [BYTES]: { schema: BINARY } };
  return applyDecorators(
    Operation(summary, {}),
    answer(200, 'The whole file', content),
    answer(206, 'The part that `Range` asked for', content),
    ApiResponse({ status: 304, description: 'The caller has it: `If-None-Match` was its ETag' }),
  );
}

/** Documents an answer that exists as bytes only, and that caches may keep. */
export function AnswersRaw(summary: string) {
  const content: Content = { [BYTES]: { schema: BINARY } };
  return applyDecorators(
    Operation(summary, {}),
    answer(200, 'The bytes', content),
    ApiResponse({ status: 304, description: 'The caller has it: `If-None-Match` was its ETag' }),
  );
}

/** Documents an operation that answers nothing but its success. */
export function AnswersNothing(summary: string, options: AnswerOptions = {}) {
  const done = ApiResponse({ status: 204, description: 'Done' });
  return applyDecorators(Operation(summary, options), done);
}

function Operation(summary: string, { body, takesBytes }: AnswerOptions) {
  const content: Content = {};
  if (takesBytes) content[BYTES] = { schema: BINARY };
  if (body !== undefined) content['application/json'] = { schema: schemaOf(body) };
  const problem: Content = { 'application/problem+json': { schema: schemaOf(dto.problemDto) } };
  const requestBody = { 'x-request-content': content } as object;
  return applyDecorators(
    ApiOperation({ summary, ...(Object.keys(content).length > 0 ? requestBody : {}) }),
    ApiDefaultResponse({
      description: 'A problem (RFC 9457)',
      content: problem,
    }),
  );
}

function answer(status: number, description: string, content: Content) {
  return ApiResponse({ status, description, content });
}

/** Forms of path parameters, by what stands before them. */
const PARAMETERS: readonly [RegExp, object][] = [
  [/\/outputs\/\{id\}/, { type: 'string', pattern: '^[0-9a-f]{68}$' }],
  [/\/(blocks|transactions|by-id)\/\{id\}/, { type: 'string', pattern: '^[0-9a-f]{64}$' }],
  [/\/addresses\/\{address\}/, { type: 'string', pattern: '^[0-9a-f]{64}$' }],
  [/\/milestones\/\{index\}/, { type: 'integer', minimum: 0, maximum: 0xffff_ffff }],
];

/** The document of an application whose controllers are decorated as above. */
export function documentOf(app: INestApplication, title: string): OpenAPIObject {
  const base = new DocumentBuilder()
    .setTitle(title)
    .setDescription('Ids and bytes are lowercase hex, amounts and u64 decimal strings.')
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .setOpenAPIVersion('3.1.0')
    .build();
  const document = SwaggerModule.createDocument(app, base);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item)) complete(path, operation as LooseOperation);
  }
  describeParameters(document, PARAMETER_WORDS);
  const schemas = componentsFor(JSON.stringify(document.paths));
  return { ...document, components: { ...document.components, schemas } };
}

interface LooseOperation {
  'x-request-content'?: Content;
  requestBody?: object;
  parameters?: { name: string; in: string; schema?: object }[];
}

/** Puts in what the framework's decorators cannot say. */
function complete(path: string, operation: LooseOperation): void {
  const content = operation['x-request-content'];
  delete operation['x-request-content'];
  delete operation.requestBody;
  if (content !== undefined) operation.requestBody = { required: true, content };
  const form = PARAMETERS.find(([pattern]) => pattern.test(path))?.[1];
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in === 'path' && form !== undefined) parameter.schema = form;
  }
}

/** The named shapes that a text refers to, and those that they refer to. */
function componentsFor(text: string): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(NAMED)) registry.add(shape, { id });
  const { schemas } = z.toJSONSchema(registry, { ...SCHEMA_OPTIONS, uri: refTo });
  const found: Record<string, object> = {};
  const visit = (part: string): void => {
    for (const [, name = ''] of part.matchAll(/#\/components\/schemas\/(\w+)/g)) {
      if (found[name] !== undefined) continue;
      const { $schema: _, $id: __, id: ___, ...schema } = schemas[name] as Record<string, unknown>;
      found[name] = schema;
      visit(JSON.stringify(schema));
    }
  };
  visit(text);
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
