/**
 * What the HTTP servers of the programs have in common, without their framework: the few members of
 * Express requests and responses that an API touches, limits of the server, problem bodies.
 */
import { z } from 'zod';

export interface HttpRequest {
  readonly ip?: string;
  readonly method: string;
  readonly path: string;
  /** Path and query. */
  readonly originalUrl: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly socket: {
    readonly localPort?: number;
    readonly remoteAddress?: string | undefined;
    readonly bytesWritten: number;
    /** Bytes written that have not left yet. */
    readonly writableLength: number;
  };
  readonly body?: unknown;
  /** The body's bytes as they came, where the server keeps them. */
  readonly rawBody?: Uint8Array;
}

export interface HttpResponse {
  readonly headersSent: boolean;
  readonly statusCode: number;
  status(code: number): this;
  type(mediaType: string): this;
  set(name: string, value: string): this;
  send(body: string | Uint8Array): this;
  destroy(): this;
  /** `finish`: the answer has been handed over; `close`: it is over, whichever way. */
  on(event: 'finish' | 'close', listener: () => void): this;
}

/** A server that listens. */
export interface RunningServer {
  /** `http://host:port`. */
  readonly url: string;
  close(): Promise<void>;
}

/** The server of an API, with its metrics on a listener of their own. */
export interface RunningApi extends RunningServer {
  /** Undefined when metrics are switched off. */
  readonly metricsUrl: string | undefined;
}

/**
 * For Nest's factory: bodies are parsed with limits or not at all, the framework does not write to
 * the terminal, a failed start throws, and `close` does not wait for idle connections.
 */
export const HTTP_APP_OPTIONS = {
  bodyParser: false,
  logger: false,
  abortOnError: false,
  forceCloseConnections: true,
} as const;

/** The `origin` of a CORS set-up for the setting `corsOrigins`. */
export function corsOriginOf(origins: readonly string[]): '*' | string[] {
  return origins.includes('*') ? '*' : [...origins];
}

/** The value of a header that occurs at most once; undefined when absent or repeated. */
export function headerOf({ headers }: Pick<HttpRequest, 'headers'>, name: string) {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** True when the caller asked for bytes rather than JSON. */
export function wantsBytes(request: Pick<HttpRequest, 'headers'>): boolean {
  return headerOf(request, 'accept')?.includes('application/octet-stream') === true;
}

/** The HTTP status that an error of the framework or of a body parser asks for; else 500. */
export function statusOf(error: unknown): number {
  const isObject = typeof error === 'object' && error !== null;
  const status: unknown = isObject ? Reflect.get(error, 'status') : undefined;
  return typeof status === 'number' ? status : 500;
}

/** Answers with a problem body (RFC 9457) and its status. */
export function sendProblem(response: HttpResponse, status: number, body: object): void {
  response.status(status).type('application/problem+json').send(JSON.stringify(body));
}

/** The schema of a request or an answer in the form that OpenAPI wants. */
export function openApiSchemaOf(dto: z.ZodType): object {
  const { $schema: _, ...schema } = z.toJSONSchema(dto, { io: 'input', unrepresentable: 'any' });
  return schema;
}
