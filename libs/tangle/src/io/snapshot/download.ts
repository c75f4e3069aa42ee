/**
 * Fetches a snapshot over HTTP into a file: bounded in size and in slowness, and resumed where the
 * line broke when the server says that its file is still the same. Nothing is believed: whoever
 * calls this verifies the file. Path: apps/node snapshot sources → here.
 * Spec: docs/spec/12-snapshot.md §7.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SnapshotError } from './snapshot-error.ts';

export interface DownloadOptions {
  /** Bytes at which the download is given up. */
  readonly maxBytes: number;
  /** Milliseconds without an answer, or without 64 KiB of it, after which an attempt ends. */
  readonly idleTimeoutMs: number;
  /** Times that the server is asked before it is given up. */
  readonly attempts: number;
  /** Milliseconds from one attempt to the next. */
  readonly pauseMs: number;
  /** Told of the bytes that are here, and of the size that was announced, 0 if it was not. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

/** Where a download stands between two attempts. */
interface Position {
  done: number;
  /** The server's name for this very file; without it, each attempt begins anew. */
  version: string | undefined;
  /** The server has no such file, and will have none in a moment either. */
  isRefused: boolean;
}

/** Time-out, a range that does not fit the file any more, too many requests. */
const PASSING_REFUSALS: ReadonlySet<number> = new Set([408, 416, 429]);
/** Bytes within `idleTimeoutMs`: a server that sends one byte at a time would never end. */
const LEAST_BYTES = 65_536;

/**
 * Downloads `url` to `path`, written over. Throws SnapshotError `unavailable`, `too-large` or
 * `unwritable`.
 */
export async function downloadSnapshot(
  url: string,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const file = await Target.create(path);
  const position: Position = { done: 0, version: undefined, isRefused: false };
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await attemptOnce(url, file, position, options);
        return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (error instanceof SnapshotError && error.code !== 'unavailable') throw error;
        if (attempt === options.attempts || position.isRefused) {
          throw error instanceof SnapshotError
            ? error
            : new SnapshotError('unavailable', url, error);
        }
        const { pauseMs, signal } = options;
        await wait(pauseMs, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
      }
    }
  } finally {
    await file.close();
  }
}

/** The file that is filled. What its disk refuses is no fault of the source. */
class Target {
  readonly #path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<Target> {
    try {
      return new Target(path, await open(path, 'w', 0o600));
    } catch (error) {
      throw new SnapshotError('unwritable', path, error);
    }
  }

  async clear(): Promise<void> {
    await this.#guard(() => this.#handle.truncate(0));
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await this.#guard(async () => {
      for (let done = 0; done < bytes.length;) {
        const rest = bytes.length - done;
        const { bytesWritten } = await this.#handle.write(bytes, done, rest, position + done);
        done += bytesWritten;
      }
    });
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #guard(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      throw new SnapshotError('unwritable', this.#path, error);
    }
  }
}

async function attemptOnce(
  url: string,
  file: Target,
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
      const { status } = response;
      position.isRefused = status >= 400 && status < 500 && !PASSING_REFUSALS.has(status);
      throw new SnapshotError('unavailable', `${url} answers ${status}`);
    }
    const all = await beginAt(response, file, position, options, url);
    let due = position.done + LEAST_BYTES;
    for await (const chunk of response.body ?? []) {
      if (position.done + chunk.length > options.maxBytes) {
        throw new SnapshotError('too-large', url);
      }
      await file.write(chunk, position.done);
      position.done += chunk.length;
      if (position.done >= due) {
        heard.refresh();
        due = position.done + LEAST_BYTES;
      }
      options.onProgress?.(position.done, all);
    }
    if (all > 0 && position.done < all) {
      throw new SnapshotError('unavailable', `${url} ended after ${position.done} of ${all} bytes`);
    }
  } finally {
    clearTimeout(heard);
  }
}

/** Goes to where the answer begins; the size of the whole file as announced, else 0. */
async function beginAt(
  response: Response,
  file: Target,
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
    await file.clear();
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
