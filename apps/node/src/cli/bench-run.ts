/**
 * What `tools bench` measures, and its verdict in words: how many blocks this machine can check,
 * how many payments, how fast its disk answers, and so which network it can take part in. Half of
 * what is measured is promised: a node also gossips, serves and confirms. Path: bench.ts → here.
 * Spec: docs/operating.md, "Sizing".
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { powScore } from '@tanglemail/tangle/core/block/pow.ts';
import {
  blockIdOf,
  decodeBlock,
  encodeBlock,
  type Block,
} from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { publicKeyOf, signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { conflict } from '@tanglemail/tangle/core/ledger/conflict.ts';
import { quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import { MAX_COMMITTEE } from '@tanglemail/tangle/core/params/limits.ts';
import type { Hasher, SignatureClaim } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { VerifyPool } from '@tanglemail/tangle/io/accel/verify-pool.ts';
import {
  BlockRepository,
  type StorableBlock,
} from '@tanglemail/tangle/io/level/block-repository.ts';
import { openKvStore, type KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';

/** What was measured; rates per second, times in milliseconds. */
export interface Measured {
  readonly processors: number;
  readonly hasher: string;
  /** Blocks of 1 KiB whose id, proof of work and form were checked, on one thread. */
  readonly checksPerSecond: number;
  /** Signatures, on the worker threads that a node has. */
  readonly signaturesPerSecond: number;
  readonly powHashesPerSecond: number;
  /** Blocks of 1 KiB written as the node writes them, milestones of 1,024 included. */
  readonly writesPerSecond: number;
  readonly syncMsMedian: number;
  readonly syncMsP99: number;
}

export interface Verdict {
  /** Blocks and payments a second that a node here should be trusted with. */
  readonly blocksPerSecond: number;
  readonly paymentsPerSecond: number;
  /** Seats that a validator here can be one of, 0 for none. */
  readonly committeeSize: number;
  readonly sentences: readonly string[];
}

/** A node needs the other half for gossip, confirmation and its API. */
const PROMISED = 0.5;
/** A validator writes two votes a second to the disk and waits for each. */
const GOOD_SYNC_MS = 50;
const POOR_SYNC_MS = 250;
/** Of a second's signature checks, the part that votes of other seats may take. */
const VOTES_SHARE = 0.1;
/** A light block of a phone takes about two seconds on one thread with so many. */
const POW_BITS = 18;

/** What the figures mean. */
export function verdictOf(measured: Measured): Verdict {
  const { checksPerSecond, writesPerSecond, signaturesPerSecond, syncMsP99 } = measured;
  const perBlock = 1 / checksPerSecond + 1 / writesPerSecond;
  const blocks = Math.floor(PROMISED / perBlock);
  const payments = Math.floor(Math.min(blocks, PROMISED * signaturesPerSecond));
  const votes = 2 * quorum(MAX_COMMITTEE);
  const largest = votes <= VOTES_SHARE * signaturesPerSecond ? MAX_COMMITTEE : 4;
  const committeeSize = syncMsP99 <= POOR_SYNC_MS ? largest : 0;
  const powSeconds = 2 ** POW_BITS / measured.powHashesPerSecond;
  const sentences = [
    `A node here can take about ${blocks} blocks a second, or ${payments} payments.`,
    slowestOf(measured),
    syncSentence(measured),
    committeeSize === 0
      ? 'It should not hold a seat of a committee.'
      : `It can hold a seat in a committee of up to ${committeeSize}.`,
    `The proof of work of a small block (${POW_BITS} bits) takes ${powSeconds.toFixed(2)} s ` +
      'on one thread.',
  ];
  return { blocksPerSecond: blocks, paymentsPerSecond: payments, committeeSize, sentences };
}

function slowestOf(measured: Measured): string {
  const limits: [rate: number, words: string][] = [
    [measured.checksPerSecond, 'checking blocks: a faster processor helps'],
    [measured.writesPerSecond, 'writing to the disk: a faster disk helps'],
    [measured.signaturesPerSecond, 'checking signatures: more processors help'],
  ];
  const [slowest] = limits.toSorted(([a], [b]) => a - b);
  return `The slowest part is ${slowest?.[1]}.`;
}

function syncSentence({ syncMsP99 }: Measured): string {
  const ms = syncMsP99.toFixed(1);
  if (syncMsP99 <= GOOD_SYNC_MS) return `The disk keeps what is synced within ${ms} ms: good.`;
  if (syncMsP99 <= POOR_SYNC_MS) {
    return `The disk needs up to ${ms} ms for a sync: each milestone waits that long.`;
  }
  return `The disk needs up to ${ms} ms for a sync: too slow, the node will lag behind.`;
}

/** How long each measurement lasts. */
export interface BenchOptions {
  /** Folder on the disk that the node would use; a folder in it is made and removed again. */
  readonly folder: string;
  readonly seconds: number;
}

/** Measures one thing after the other, so that none disturbs the next. */
export async function measureMachine(options: BenchOptions): Promise<Measured> {
  const { folder, seconds } = options;
  const hasher = await bestHasher();
  const scratch = await mkdtemp(join(folder, 'tangle-bench-'));
  try {
    const kv = await openKvStore(scratch, { kind: 'bench', networkId: 0n, schema: 1 });
    try {
      const writesPerSecond = await writes(kv, join(scratch, 'blocks'), hasher, seconds);
      const syncs = await syncTimes(kv, seconds);
      return {
        processors: availableParallelism(),
        hasher: hasher.backend,
        checksPerSecond: checks(hasher, seconds),
        signaturesPerSecond: await signatures(seconds),
        powHashesPerSecond: await powHashes(seconds),
        writesPerSecond,
        syncMsMedian: at(syncs, 0.5),
        syncMsP99: at(syncs, 0.99),
      };
    } finally {
      await kv.close();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Repeats a step for some seconds; how many units a second that makes. */
async function rateOf(seconds: number, step: () => Promise<number>): Promise<number> {
  const startedMs = performance.now();
  let units = 0;
  let elapsedMs = 0;
  while (elapsedMs < seconds * 1_000) {
    units += await step();
    elapsedMs = performance.now() - startedMs;
  }
  return Math.round((units / elapsedMs) * 1_000);
}

/** A block of 1 KiB with four parents. */
function sampleBlock(): Block {
  const parents = Array.from({ length: 4 }, () => randomBytes(32).toString('hex') as BlockId);
  const data = new Uint8Array(randomBytes(860));
  const payload = { kind: 'tagged-data', tag: Buffer.from('bench'), data } as const;
  return {
    version: 1,
    networkId: 0n,
    parents: parents.toSorted(),
    payload,
    nonce: 0n,
  };
}

function checks(hasher: Hasher, seconds: number): number {
  const bytes = encodeBlock(sampleBlock());
  const startedMs = performance.now();
  let count = 0;
  while (performance.now() - startedMs < seconds * 1_000) {
    for (let i = 0; i < 64; i++) {
      decodeBlock(bytes);
      hasher.blake2b256(bytes);
      powScore(bytes, hasher);
    }
    count += 64;
  }
  return Math.round((count / (performance.now() - startedMs)) * 1_000);
}

const CLAIMS = 256;

async function signatures(seconds: number): Promise<number> {
  const secretKey = new Uint8Array(randomBytes(32));
  const publicKey = publicKeyOf(secretKey);
  const claims: SignatureClaim[] = Array.from({ length: CLAIMS }, (_, i) => {
    const message = nobleHasher.blake2b256(Uint8Array.of(i & 0xff));
    return { publicKey, message, signature: signEd25519(secretKey, message) };
  });
  const pool = new VerifyPool();
  try {
    // The threads start with the first batch, which is not counted.
    await pool.verifyBatch(claims);
    return await rateOf(seconds, async () => (await pool.verifyBatch(claims)).length);
  } finally {
    await pool.close();
  }
}

async function powHashes(seconds: number): Promise<number> {
  const pool = new PowPool({ threads: 1 });
  try {
    await pool.ready;
    return await rateOf(seconds, async () => {
      const { hashes } = await pool.solve(new Uint8Array(randomBytes(32)), POW_BITS - 2);
      return hashes;
    });
  } finally {
    await pool.close();
  }
}

/** Blocks of one batch of the processor, and of one milestone of a busy network. */
const BATCH = 64;
const CONE = 1_024;

/** Blocks as the node keeps them: appended to segments, then referenced by a synced milestone. */
async function writes(kv: KvStore, folder: string, hasher: Hasher, seconds: number) {
  const blocks = await BlockRepository.open(kv, folder, hasher);
  let elapsedMs = 0;
  let count = 0;
  try {
    for (let milestoneIndex = 1; elapsedMs < seconds * 1_000; milestoneIndex++) {
      const made = Array.from({ length: CONE }, () => storableBlock(hasher));
      const cone = made.map(
        ({ id }, position) =>
          [
            id,
            {
              milestoneIndex,
              position,
              state: 'no-transaction',
              conflict: conflict('none'),
            } as const,
          ] as const,
      );
      const startedMs = performance.now();
      for (let first = 0; first < CONE; first += BATCH) {
        await blocks.save(made.slice(first, first + BATCH));
      }
      await blocks.writeMilestone(kv.batch(), new Map(cone));
      elapsedMs += performance.now() - startedMs;
      count += CONE;
    }
  } finally {
    await blocks.close();
  }
  return Math.round((count / elapsedMs) * 1_000);
}

function storableBlock(hasher: Hasher): StorableBlock {
  const block = sampleBlock();
  const bytes = encodeBlock(block);
  return { id: blockIdOf(bytes, hasher), bytes, block };
}

/** Behind the owner's key, which is one zero byte. */
function randomKey(): Uint8Array {
  return Uint8Array.of(1, ...randomBytes(32));
}

/** Times of single synced writes in milliseconds, ascending. */
async function syncTimes(kv: KvStore, seconds: number): Promise<number[]> {
  const times: number[] = [];
  await rateOf(seconds, async () => {
    const startedMs = performance.now();
    await kv
      .batch()
      .put(randomKey(), new Uint8Array(randomBytes(1_024)))
      .write({ sync: true });
    times.push(performance.now() - startedMs);
    return 1;
  });
  return times.toSorted((a, b) => a - b);
}

function at(ascending: readonly number[], part: number): number {
  const index = Math.min(ascending.length - 1, Math.floor(ascending.length * part));
  return Math.round((ascending[index] ?? 0) * 100) / 100;
}
