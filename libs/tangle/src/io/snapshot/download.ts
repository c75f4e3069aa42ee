/**
 * Fetches a snapshot over HTTP into a file: bounded in size and in silence, and resumed where the
 * line broke when the server says that its file is still the same. Nothing is believed: whoever
 * calls this verifies the file. Path: apps/node snapshot sources → here.
 * Spec: docs/spec/12-snapshot.md §7.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { SnapshotError } from './snapshot-error.ts';

export interface DownloadOptions {
  /** Bytes at which the download is given up. */
  readonly maxBytes: number;
  /** Milliseconds without a byte after which an attempt ends. */
  readonly idleTimeoutMs: number;
  /** Times that the server is asked before it is given up. */
  readonly attempts: number;
  /** Told of the bytes that are here, and of the size that was announced, 0 if it was not. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

/** Where a download stands between two attempts. */
interface Position {
  done: number;
  /** The server's name for this very file; without it, each attempt begins anew. */
  version: string | undefined;
}

/** Downloads `url` to `path`, written over. Throws SnapshotError `unavailable` or `too-large`. */
export async function downloadSnapshot(
  url: string,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const handle = await open(path, 'w', 0o600).catch((error: unknown) => {
    throw new SnapshotError('unwritable', path, error);
  });
  const position: Position = { done: 0, version: undefined };
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await attemptOnce(url, handle, position, options);
        await handle.sync();
        return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof SnapshotError && error.code !== 'unavailable') throw error;
        if (attempt < options.attempts) continue;
        if (error instanceof SnapshotError) throw error;
        throw new SnapshotError('unavailable', url, error);
      }
    }
  } finally {
    await handle.close();
  }
}

async function attemptOnce(
  url: string,
  handle: FileHandle,
  position: Position,
  options: DownloadOptions,
): Promise<void> {
  const silence = new AbortController();
  const heard = setTimeout(() => silence.abort(), options.idleTimeoutMs);
  const signals = [silence.signal, ...(options.signal === undefined ? [] : [options.signal])];
  try {
    const { done, version } = position;
    const headers = new Headers({ 'accept-encoding': 'identity' });
    if (done > 0 && version !== undefined) {
      headers.set('range', `bytes=${done}-`);
      headers.set('if-range', version);
    }
    const response = await fetch(url, { headers, signal: AbortSignal.any(signals) });
    heard.refresh();
    if (response.status !== 200 && response.status !== 206) {
      await response.body?.cancel();
      position.version = undefined;
      throw new SnapshotError('unavailable', `${url} answers ${response.status}`);
    }
    const all = await beginAt(response, handle, position, options, url);
    for await (const chunk of response.body ?? []) {
      heard.refresh();
      if (position.done + chunk.length > options.maxBytes) {
        throw new SnapshotError('too-large', url);
      }
      await writeAt(handle, chunk, position.done);
      position.done += chunk.length;
      options.onProgress?.(position.done, all);
    }
    if (all > 0 && position.done < all) {
      throw new SnapshotError('unavailable', `${url} ended after ${position.done} of ${all} bytes`);
    }
  } finally {
    clearTimeout(heard);
  }
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Goes to where the answer begins; the size of the whole file as announced, else 0. */
async function beginAt(
  response: Response,
  handle: FileHandle,
  position: Position,
  { maxBytes }: DownloadOptions,
  url: string,
): Promise<number> {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  const isResumed = response.status === 206 && Number(range?.[1]) === position.done;
  if (!isResumed) {
    if (response.status === 206) {
      await response.body?.cancel();
      position.version = undefined;
      throw new SnapshotError('unavailable', `${url} answers with another range`);
    }
    await handle.truncate(0);
    position.done = 0;
    position.version = versionOf(response);
  }
  const announced = isResumed
    ? Number(range?.[2])
    : Number(response.headers.get('content-length') ?? 0);
  if (announced > maxBytes) {
    await response.body?.cancel();
    throw new SnapshotError('too-large', `${url} has ${announced} bytes`);
  }
  return announced;
}

/** Only a strong name says that not one byte differs (RFC 9110, 8.8.1). */
function versionOf({ headers }: Response): string | undefined {
  const tag = headers.get('etag');
  return tag === null || tag.startsWith('W/') ? undefined : tag;
}
