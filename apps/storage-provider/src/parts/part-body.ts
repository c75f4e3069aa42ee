/**
 * Reads the body of an upload: at most the announced bytes, within a time, hashed while they come.
 * Before: api/part-controller.ts. After: part-desk.ts.
 * Spec: docs/spec/34-provider-api.md, section "Parts".
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { refuse } from '@tanglemail/mail/core/market/problems.ts';
import type { ProblemCode } from '@tanglemail/mail/core/market/problems.ts';
import { Refused } from '../refused.ts';

/** What a body has to be. */
export interface ExpectedBody {
  readonly size: number;
  /** SHA-256 of Content-Digest, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Time for the whole body, in milliseconds; stops whoever holds a place by sending slowly. */
  readonly timeoutMs: number;
}

/** The value of `Content-Digest: sha-256=:…:` (RFC 9530); undefined when it is another. */
export function parseContentDigest(text: string | undefined): Uint8Array | undefined {
  const match = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(text ?? '');
  return match ? new Uint8Array(Buffer.from(match[1] as string, 'base64')) : undefined;
}

/** The whole body. Refuses with `request-malformed`, `digest-mismatch`, `upload-timeout`. */
export function readPartBody(body: Readable, expected: ExpectedBody): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const bytes = new Uint8Array(expected.size);
  const hash = createHash('sha256');
  let at = 0;
  const settle = (done: () => void): void => {
    clearTimeout(timer);
    // The listener for errors stays: without one a connection that breaks later would be fatal.
    body.off('data', onData).off('end', onEnd).off('close', onGone);
    done();
  };
  const fail = (code: ProblemCode): void => settle(() => reject(new Refused(refuse(code))));
  const onGone = (): void => fail('request-malformed');
  const onData = (chunk: Uint8Array): void => {
    if (at + chunk.length > expected.size) {
      onGone();
      return;
    }
    bytes.set(chunk, at);
    hash.update(chunk);
    at += chunk.length;
  };
  const onEnd = (): void => {
    if (at !== expected.size) onGone();
    else if (!hash.digest().equals(expected.sha256)) fail('digest-mismatch');
    else settle(() => resolve(bytes));
  };
  const timer = setTimeout(() => fail('upload-timeout'), expected.timeoutMs);
  body.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  return promise;
}
