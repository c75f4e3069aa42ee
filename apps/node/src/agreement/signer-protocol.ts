/**
 * The lines between a node and an external signer: one JSON object each, at most MAX_LINE_BYTES.
 * Path: external-signer.ts ↔ here ↔ signer-server.ts. Spec: docs/spec/16-signer.md §6.
 */
import type { Socket } from 'node:net';
import { z } from 'zod';
import {
  STATEMENT_KINDS,
  type Statement,
  type StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';

const MAX_LINE_BYTES = 1_024;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

const hexOf = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
const kinds = Object.keys(STATEMENT_KINDS) as StatementKind[];
const id = z.int().min(0);

const requestDto = z.strictObject({
  id,
  networkId: hexOf(8),
  statement: z
    .strictObject({
      kind: z.enum(kinds),
      epoch: z.int().min(0).max(0xffff_ffff),
      /** Decimal: JSON numbers end at 2^53. */
      view: z.string().regex(/^(0|[1-9][0-9]{0,19})$/),
      digest: hexOf(32),
    })
    .optional(),
});
export type SignRequest = z.infer<typeof requestDto>;

const answerDto = z.union([
  z.strictObject({ id, publicKey: hexOf(32) }),
  z.strictObject({ id, signature: hexOf(64) }),
  z.strictObject({ id, error: z.enum(['contradicts', 'below', 'unknown-network']) }),
]);
export type SignAnswer = z.infer<typeof answerDto>;

export type SignedHere = Statement<StatementKind>;

/** A network id as it stands in lines. */
export function networkText(networkId: bigint): string {
  return networkId.toString(16).padStart(16, '0');
}

/** Asks for a signature; without a statement for the public key. */
export function requestOf(number: number, networkId: bigint, statement?: SignedHere): SignRequest {
  const base = { id: number, networkId: networkText(networkId) };
  if (statement === undefined) return base;
  const { kind, epoch, view, digest } = statement;
  return { ...base, statement: { kind, epoch, view: String(view), digest: bytesToHex(digest) } };
}

/** The request of a line; undefined for anything else. */
export function parseRequest(line: string): SignRequest | undefined {
  const request = requestDto.safeParse(jsonOf(line));
  if (!request.success) return undefined;
  const { statement } = request.data;
  const isView = statement === undefined || BigInt(statement.view) <= U64_MAX;
  return isView ? request.data : undefined;
}

/** What a request wants signed. */
export function statementIn(request: SignRequest): SignedHere | undefined {
  const { statement } = request;
  if (statement === undefined) return undefined;
  const { kind, epoch, view, digest } = statement;
  return { kind, epoch, view: BigInt(view), digest: hexToBytes(digest) };
}

/** The answer of a line; undefined for anything else. */
export function parseAnswer(line: string): SignAnswer | undefined {
  return answerDto.safeParse(jsonOf(line)).data;
}

export function writeLine(socket: Socket, value: SignRequest | SignAnswer): void {
  socket.write(`${JSON.stringify(value)}\n`);
}

/** Hands over each line; a line that is too long ends the connection. */
export function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE_BYTES || lines.some((line) => line.length > MAX_LINE_BYTES)) {
      socket.destroy();
      return;
    }
    for (const line of lines) onLine(line);
  });
}
