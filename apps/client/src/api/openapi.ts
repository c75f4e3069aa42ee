/**
 * OpenAPI from the schemas of dto.ts.
 */
import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiDefaultResponse,
  ApiOperation,
  ApiProduces,
  ApiQuery,
  ApiResponse,
} from '@nestjs/swagger';
import { openApiSchemaOf } from '@tanglemail/tangle/io/shell/http.ts';
import type { z } from 'zod';
import { problemDto } from './dto.ts';

type SchemaObject = Extract<Parameters<typeof ApiResponse>[0], { schema: unknown }>['schema'];

function schemaOf(dto: z.ZodType): SchemaObject {
  return openApiSchemaOf(dto);
}

export interface AnswerOptions {
  /** HTTP status of success; 200 by default. */
  readonly status?: number;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  /** The answer is bytes of this type instead of JSON. */
  readonly mediaType?: string;
}

/** Documents one operation: what it takes, what it answers, and the problem body of its errors. */
export function Answers(summary: string, dto: z.ZodType | undefined, options: AnswerOptions = {}) {
  const { status = 200, body, query, mediaType } = options;
  const answer = dto === undefined ? {} : { schema: schemaOf(dto) };
  return applyDecorators(
    ApiOperation({ summary }),
    ApiResponse({ status, description: 'Success', ...answer }),
    ApiDefaultResponse({ description: 'A problem (RFC 9457)', schema: schemaOf(problemDto) }),
    ...(body === undefined ? [] : [ApiBody({ schema: schemaOf(body) })]),
    ...(mediaType === undefined ? [] : [ApiProduces(mediaType)]),
    ...Object.entries(query?.shape ?? {}).map(([name, one]) =>
      ApiQuery({ name, required: false, schema: schemaOf(one as z.ZodType) }),
    ),
  );
}
