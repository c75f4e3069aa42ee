/** Snapshot files on a disk: written, read, joined, verified; half ones leave nothing. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import { SnapshotParser } from '../../core/snapshot/parser.ts';
import { outputId } from '../../core/testing/ledger-fixtures.ts';
import { encodeFile, SnapshotFixture } from '../../core/testing/snapshot-fixture.ts';
import { downloadSnapshot, type DownloadOptions } from './download.ts';
import { mergedOutputs, readHeader, verifySnapshot } from './read-snapshot.ts';
import { SnapshotError } from './snapshot-error.ts';
import { writeSnapshot, type LedgerView, type WriteOptions } from './write-snapshot.ts';

const fixture = new SnapshotFixture();
fixture.advance(8);
const options: WriteOptions = {
  genesis: fixture.chain.start,
  params: fixture.chain.genesis.params,
  hasher: nobleHasher,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'snapshot-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** What a store shows at milestone `index`. */
function viewAt(index: number, unspent = fixture.ledgers[index]!): LedgerView {
  const { id, header } = fixture.headers[index]!;
  const { timestampMs } = header;
  return {
    state: { index, id, timestampMs, unspentCount: unspent.length },
    milestoneBytes: (one) => fixture.milestones[one]!.bytes,
    cone: (one) => fixture.milestones[one]!.cone,
    elections: async () => await Promise.resolve([]),
    async *unspent() {
      yield* unspent;
    },
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SnapshotError) return error.code;
    throw error;
  }
  return 'ok';
}

/** What a file says, however it is cut into frames. */
function contentOf(bytes: Uint8Array) {
  const parsed = new SnapshotParser(nobleHasher).push(bytes);
  if (!parsed.ok) throw new Error(parsed.code);
  return {
    other: parsed.value.filter(({ type }) => type !== 'outputs' && type !== 'changes'),
    outputs: parsed.value.flatMap((part) => (part.type === 'outputs' ? part.records : [])),
    changes: parsed.value.flatMap((part) => (part.type === 'changes' ? part.changes : [])),
  };
}

const path = (name: string): string => join(folder, name);

describe('a snapshot file', () => {
  it('has the content of its state, and proves it', async () => {
    await writeSnapshot(path('full'), viewAt(5), options);
    expect(contentOf(await readFile(path('full')))).toEqual(contentOf(encodeFile(fixture.file(5))));
    const verified = await verifySnapshot(path('full'), fixture.trust);
    expect(verified.header).toEqual(await readHeader(path('full'), nobleHasher));
    expect(verified.window).toEqual(fixture.file(5).milestones);
    expect(await readdir(folder)).toEqual(['full']);
  });

  it('and a delta of it give the outputs of the later state', async () => {
    await writeSnapshot(path('full'), viewAt(3), options);
    await writeSnapshot(path('delta'), viewAt(8), { ...options, base: path('full') });
    const expected = contentOf(encodeFile(fixture.file(8, 3)));
    expect(contentOf(await readFile(path('delta')))).toEqual(expected);
    const base = await verifySnapshot(path('full'), fixture.trust);
    const after = await verifySnapshot(path('delta'), fixture.trust, { base });
    expect(after.index).toBe(8);
    const files = { full: path('full'), delta: path('delta') };
    const merged: OutputRecord[] = [];
    for await (const record of mergedOutputs(files, nobleHasher)) merged.push(record);
    expect(merged).toEqual(fixture.ledgers[8]);
  });

  it('and a delta of it give any state that follows any other', async () => {
    const like = fixture.ledgers[5]![0]!;
    const all = Array.from({ length: 24 }, (_, n) => ({ ...like, outputId: outputId(n) }));
    const some = fc.subarray(all, { minLength: 0 });
    const files = { full: path('full'), delta: path('delta') };
    await fc.assert(
      fc.asyncProperty(some, some, async (before, after) => {
        await writeSnapshot(files.full, viewAt(3, before), options);
        const on = { ...options, base: files.full };
        await writeSnapshot(files.delta, viewAt(8, after), on);
        const merged: OutputRecord[] = [];
        for await (const record of mergedOutputs(files, nobleHasher)) merged.push(record);
        expect(merged).toEqual(after);
      }),
      { numRuns: 40 },
    );
  });

  it('not-ahead, no-base: a delta needs an older full one', async () => {
    await writeSnapshot(path('full'), viewAt(3), options);
    await writeSnapshot(path('delta'), viewAt(5), { ...options, base: path('full') });
    const on = (base: string) => ({ ...options, base: path(base) });
    expect(await codeOf(writeSnapshot(path('x'), viewAt(3), on('full')))).toBe('not-ahead');
    expect(await codeOf(writeSnapshot(path('x'), viewAt(8), on('delta')))).toBe('no-base');
    expect(await codeOf(writeSnapshot(path('x'), viewAt(8), on('absent')))).toBe('unreadable');
    expect((await readdir(folder)).toSorted()).toEqual(['delta', 'full']);
  });

  it('leaves the thread to others after every 256 outputs', async () => {
    const like = fixture.ledgers[5]![0]!;
    const many = Array.from({ length: 2_560 }, (_, number) => ({
      ...like,
      outputId: outputId(number),
    }));
    let turns = 0;
    const stop = new AbortController();
    const turn = (): void => {
      turns += 1;
      if (!stop.signal.aborted) setImmediate(turn);
    };
    setImmediate(turn);
    const seen: number[] = [];
    await writeSnapshot(path('full'), viewAt(5, many), {
      ...options,
      onProgress: () => seen.push(turns),
    });
    stop.abort();
    expect(seen).toHaveLength(10);
    // Between two reports somebody else had the thread at least once.
    expect(seen.slice(1).map((at, step) => at > seen[step]!)).toEqual(
      seen.slice(1).map(() => true),
    );
  });

  it('stopped: leaves nothing', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort();
    const writing = writeSnapshot(path('x'), viewAt(5), {
      ...options,
      onProgress,
      signal: stop.signal,
    });
    expect(await codeOf(writing)).toBe('stopped');
    expect(await readdir(folder)).toEqual([]);
  });

  it('unwritable: a full disk leaves nothing, and no file under the final name', async () => {
    const half = path('x.part');
    await symlink('/dev/full', half);
    expect(await codeOf(writeSnapshot(path('x'), viewAt(5), options))).toBe('unwritable');
    expect(await readdir(folder)).toEqual([]);
    // The same in the middle of a delta, whose base is left alone.
    await writeSnapshot(path('full'), viewAt(3), options);
    const bytes = await readFile(path('full'));
    await symlink('/dev/full', half);
    const on = { ...options, base: path('full') };
    expect(await codeOf(writeSnapshot(path('x'), viewAt(8), on))).toBe('unwritable');
    expect(await readdir(folder)).toEqual(['full']);
    expect(await readFile(path('full'))).toEqual(bytes);
  });

  it('unwritable, unreadable: a folder that is not there', async () => {
    expect(await codeOf(writeSnapshot(path('no/x'), viewAt(5), options))).toBe('unwritable');
    expect(await codeOf(verifySnapshot(path('no/x'), fixture.trust))).toBe('unreadable');
  });
});

describe('a download', () => {
  const BYTES = encodeFile(fixture.file(5));
  /** An answer that breaks off as soon as the other side has read what there is of it. */
  let half: ServerResponse | undefined;
  const quick: DownloadOptions = {
    maxBytes: 1_000_000,
    idleTimeoutMs: 10_000,
    attempts: 3,
    pauseMs: 0,
    onProgress: () => {
      half?.destroy();
      half = undefined;
    },
  };
  let server: Server | undefined;
  const ranges: (string | undefined)[] = [];
  afterEach(async () => {
    ranges.length = 0;
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
  });

  /** Serves the bytes; each connection but the last breaks after `cut` bytes. */
  async function serve(tag: string, breaks: number, cut = 1_000): Promise<string> {
    server = createServer((request, response) => {
      ranges.push(request.headers.range);
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const isLast = ranges.length > breaks;
      response.writeHead(from > 0 ? 206 : 200, {
        etag: tag,
        'content-length': BYTES.length - from,
        ...(from > 0
          ? { 'content-range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` }
          : {}),
      });
      if (isLast) response.end(BYTES.subarray(from));
      else {
        response.write(BYTES.subarray(from, from + cut));
        half = response;
      }
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/full`;
  }

  it('goes on where the line broke', async () => {
    const url = await serve('"one"', 2);
    await downloadSnapshot(url, path('got'), quick);
    expect(new Uint8Array(await readFile(path('got')))).toEqual(BYTES);
    expect(ranges[0]).toBeUndefined();
    expect(ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ''))).toBe(true);
  });

  it('begins anew when the server cannot say that its file is the same', async () => {
    const url = await serve('W/"one"', 1);
    await downloadSnapshot(url, path('got'), quick);
    expect(new Uint8Array(await readFile(path('got')))).toEqual(BYTES);
    expect(ranges).toEqual([undefined, undefined]);
  });

  it('unavailable: after its attempts, and for another answer than a file', async () => {
    const url = await serve('"one"', 9);
    expect(await codeOf(downloadSnapshot(url, path('got'), quick))).toBe('unavailable');
    expect(ranges).toHaveLength(3);
    server?.removeAllListeners('request');
    const asked: number[] = [];
    const answers = [503, 429, 404, 200];
    server?.on('request', (_, response) => {
      asked.push(answers[asked.length] ?? 200);
      response.writeHead(asked.at(-1) ?? 200).end('no');
    });
    const patient = { ...quick, attempts: 9 };
    expect(await codeOf(downloadSnapshot(url, path('got'), patient))).toBe('unavailable');
    // What a server has not is not asked for again.
    expect(asked).toEqual([503, 429, 404]);
  });

  it('ends with the reason of its signal, also between two attempts', async () => {
    const url = await serve('"one"', 0);
    server?.removeAllListeners('request');
    const stop = new AbortController();
    const reason = new Error('the node stops');
    server?.on('request', (_, response) => {
      response.writeHead(503).end('later');
      response.once('finish', () => setImmediate(() => stop.abort(reason)));
    });
    const patient = { ...quick, pauseMs: 600_000, signal: stop.signal };
    await expect(downloadSnapshot(url, path('got'), patient)).rejects.toBe(reason);
  });

  it('unavailable: from a server that falls silent', async () => {
    const url = await serve('"one"', 0);
    server?.removeAllListeners('request');
    server?.on('request', (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('x');
    });
    const silent = { ...quick, attempts: 1, idleTimeoutMs: 100 };
    expect(await codeOf(downloadSnapshot(url, path('got'), silent))).toBe('unavailable');
  });

  it('unavailable: from a server that sends one byte at a time', async () => {
    const url = await serve('"one"', 0);
    server?.removeAllListeners('request');
    server?.on('request', (_, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      const drip = setInterval(() => response.write('x'), 5);
      response.once('close', () => clearInterval(drip));
    });
    const slow = { ...quick, onProgress: () => undefined, attempts: 1, idleTimeoutMs: 100 };
    expect(await codeOf(downloadSnapshot(url, path('got'), slow))).toBe('unavailable');
  });

  it('unwritable: a full disk is no fault of the source, which is not asked again', async () => {
    const url = await serve('"one"', 0);
    await symlink('/dev/full', path('full-disk'));
    expect(await codeOf(downloadSnapshot(url, path('full-disk'), quick))).toBe('unwritable');
    expect(ranges).toHaveLength(1);
  });

  it('too-large: announced, or found on the way', async () => {
    const url = await serve('"one"', 0);
    const small = { ...quick, maxBytes: BYTES.length - 1 };
    expect(await codeOf(downloadSnapshot(url, path('got'), small))).toBe('too-large');
    server?.removeAllListeners('request');
    server?.on('request', (_, response) => response.writeHead(200).end(BYTES));
    expect(await codeOf(downloadSnapshot(url, path('got'), small))).toBe('too-large');
  });

  it('writes over what an earlier one left', async () => {
    await writeFile(path('got'), new Uint8Array(BYTES.length + 500));
    await downloadSnapshot(await serve('"one"', 0), path('got'), quick);
    expect(new Uint8Array(await readFile(path('got')))).toEqual(BYTES);
  });
});
