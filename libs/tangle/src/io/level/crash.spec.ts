// SIGKILL at any moment: the store is at a whole milestone. Spec: docs/spec/10-storage.md.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hashWasmBackend } from '../accel/hasher.ts';
import type { Hasher } from '../../core/ports.ts';
import { BlockRepository } from './block-repository.ts';
import { openKvStore } from './kv-store.ts';
import type { KvStore } from './kv-store.ts';
import { LedgerRepository } from './ledger-repository.ts';
import { verifyLedger } from './milestone-batch.ts';
import { MilestoneRepository } from './milestone-repository.ts';
import { readPruned } from './node-state-repository.ts';
import { sampleChain, sampleGenesis, SUPPLY } from './testing/sample-chain.ts';
import type { SampleMilestone } from './testing/sample-chain.ts';

const COMMIT_FOREVER = fileURLToPath(new URL('./testing/commit-forever.ts', import.meta.url));
const CYCLES = 15;
/** After this a process that commits nothing is ended by SIGTERM, which is not what is expected. */
const CHILD_MS = 100_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'crash-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Runs the committing process, kills it after `commits` commits. The last index it told.
 * @param meanwhile what happens before the kill.
 */
async function commitAndKill(
  commits: number,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const child = spawn(process.execPath, [COMMIT_FOREVER, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: CHILD_MS,
  });
  const exit = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_, signal) => resolve(signal));
  });
  let acknowledged = 0;
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    seen++;
    // It goes on committing while the signal is under way: the kill falls anywhere.
    if (seen !== commits) continue;
    await meanwhile();
    child.kill('SIGKILL');
  }
  expect(await exit).toBe('SIGKILL');
  return acknowledged;
}

/** What milestone `index` left in the store, or should have left. */
async function traceOf(store: KvStore, blocks: BlockRepository, index: number): Promise<object> {
  const milestones = new MilestoneRepository(store);
  const cone = milestones.cone(index) ?? [];
  const diff = new LedgerRepository(store).diff(index);
  return {
    bytes: Buffer.from(milestones.bytes(index) ?? []).toString(),
    cone,
    stored: (await blocks.bytesOf(cone)).size,
    states: [...(await blocks.metaOf(cone)).values()].map(({ state }) => state),
    created: diff?.created.map(({ outputId }) => outputId) ?? [],
  };
}

const expectedTrace = ({ commit }: SampleMilestone): object => ({
  bytes: Buffer.from(commit.bytes).toString(),
  cone: commit.result.included,
  stored: 3,
  states: ['applied', 'conflicting', 'no-transaction'],
  created: commit.result.diff.created.map(({ outputId }) => outputId),
});
const NO_TRACE = { bytes: '', cone: [], stored: 0, states: [], created: [] };

/** As `testing/commit-forever.ts` has it. */
const KEPT = 40;

describe('a process killed while it commits', () => {
  let hasher: Hasher;
  beforeEach(async () => {
    hasher = await hashWasmBackend();
  });

  it(`leaves whole milestones, ${CYCLES} times`, async () => {
    const { networkId } = sampleGenesis(hasher);
    const expected: SampleMilestone[] = [];
    const chain = sampleChain(hasher);
    let prunedTo = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const acknowledged = await commitAndKill(1 + ((cycle * 7) % 12));
      const store = await openKvStore(folder, { kind: 'crash-test', networkId, schema: 1 });
      const blocks = await BlockRepository.open(store, join(folder, 'blocks'), hasher);
      try {
        const ledger = await verifyLedger(store, SUPPLY, hasher);
        const index = ledger?.state.index ?? 0;
        // Nothing that was acknowledged is lost, and nothing skipped ahead.
        expect(index - acknowledged).toBeGreaterThanOrEqual(0);
        const { removedIndex } = readPruned(store);
        // A busy machine lets the process come so far that what it made is pruned already.
        const from = Math.max(expected.length, removedIndex) + 1;
        while (expected.length < index) expected.push(chain.next().value as SampleMilestone);
        for (let i = from; i <= index; i++) {
          const sample = expected[i - 1] as SampleMilestone;
          expect(await traceOf(store, blocks, i)).toEqual(expectedTrace(sample));
        }
        expect(await traceOf(store, blocks, index + 1)).toEqual(NO_TRACE);
        // What was pruned is gone as a whole, what follows is there as a whole.
        expect(removedIndex).toBeGreaterThanOrEqual(index - KEPT - 1);
        expect(removedIndex).toBeGreaterThanOrEqual(prunedTo);
        prunedTo = removedIndex;
        const gone = removedIndex > 0 ? await traceOf(store, blocks, removedIndex) : NO_TRACE;
        expect(gone).toEqual(NO_TRACE);
        const first = expected[removedIndex] as SampleMilestone;
        expect(await traceOf(store, blocks, removedIndex + 1)).toEqual(expectedTrace(first));
        const last = expected[index - 1] as SampleMilestone;
        expect(ledger?.state.id).toBe(last.commit.id);
      } finally {
        await blocks.close();
        await store.close();
      }
    }
    // It was killed while it pruned too.
    expect(prunedTo).toBeGreaterThan(CYCLES);
  }, 120_000);

  it('locked: a second process does not get into the folder', async () => {
    const { networkId } = sampleGenesis(hasher);
    const owner = { kind: 'crash-test', networkId, schema: 1 };
    const refusals: unknown[] = [];
    await commitAndKill(1, async () => {
      await openKvStore(folder, owner).catch((error: unknown) => refusals.push(error));
    });
    expect(refusals).toMatchObject([{ name: 'StoreError', code: 'locked' }]);
    await (await openKvStore(folder, owner)).close();
  });
});
