/**
 * OpenAPI from the schemas that both sides of the API share (tangle/io/node-client/dto.ts).
 */
import { applyDecorators } from '@nestjs/common';
import { ApiDefaultResponse, ApiOperation, ApiProduces, ApiResponse } from '@nestjs/swagger';
import { problemDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { openApiSchemaOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { z } from 'zod';

type SchemaObject = Extract<Parameters<typeof ApiResponse>[0], { schema: unknown }>['schema'];

const schemaOf = (dto: z.ZodType) => openApiSchemaOf(dto) as SchemaObject;

export interface AnswerOptions {
  /** HTTP status of success; 200 by default. */
  readonly status?: number;
  /** The same answer exists as raw bytes for `Accept: application/octet-stream`. */
  readonly bytes?: boolean;
}

/** Documents one operation: what it does, what it answers, and the problem body of its errors. */
export function Answers(summary: string, dto: z.ZodType, options: AnswerOptions = {}) {
  const status = options.status ?? 200;
  return applyDecorators(
    ApiOperation({ summary }),
    ApiResponse({ status, description: 'Success', schema: schemaOf(dto) }),
    ApiDefaultResponse({ description: 'A problem (RFC 9457)', schema: schemaOf(problemDto) }),
    ...(options.bytes ? [ApiProduces('application/json', 'application/octet-stream')] : []),
  );
}
