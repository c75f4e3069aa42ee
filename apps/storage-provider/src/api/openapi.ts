/**
 * OpenAPI from the schemas that both sides of the API share (mail/io/provider/dto.ts).
 */
import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiDefaultResponse,
  ApiOperation,
  ApiProduces,
  ApiResponse,
} from '@nestjs/swagger';
import { PROBLEM } from '@tanglemail/mail/io/provider/dto.ts';
import { openApiSchemaOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { z } from 'zod';

type SchemaObject = Extract<Parameters<typeof ApiResponse>[0], { schema: unknown }>['schema'];

const schemaOf = (dto: z.ZodType) => openApiSchemaOf(dto) as SchemaObject;

export interface AnswerOptions {
  /** HTTP status of success; 200 by default. */
  readonly status?: number;
  /** The request's body. */
  readonly body?: z.ZodType;
  /** The same answer exists as raw bytes for `Accept: application/octet-stream`. */
  readonly bytes?: boolean;
}

/** Documents one operation: what it does, what it takes and answers, the problem of its errors. */
export function Answers(summary: string, dto: z.ZodType, options: AnswerOptions = {}) {
  const { status = 200, body } = options;
  return applyDecorators(
    ApiOperation({ summary }),
    ApiResponse({ status, description: 'Success', schema: schemaOf(dto) }),
    ApiDefaultResponse({ description: 'A problem (RFC 9457)', schema: schemaOf(PROBLEM) }),
    ...(body ? [ApiBody({ schema: schemaOf(body) })] : []),
    ...(options.bytes ? [ApiProduces('application/json', 'application/octet-stream')] : []),
  );
}
