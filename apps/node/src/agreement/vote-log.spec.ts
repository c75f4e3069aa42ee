// The memory of a seat: nothing that was said is lost, and nothing is said that contradicts it.
import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open as openFile, readFile, rm, stat, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { FaultyVoteDisk, type Chance } from './testing/faulty-vote-disk.ts';
import { certificate, OWNER, proposal, statement } from './testing/votes.ts';
import { openVoteDisk } from './vote-disk.ts';
import { VoteError } from './vote-error.ts';
import { VoteLog } from './vote-log.ts';
import { MAX_FRAME_BODY } from './vote-records.ts';

const HASHER = await bestHasher();
const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'votes-'));
  folders.push(folder);
  return folder;
}

const FROM_THE_BEGINNING = { type: 'complete', from: { epoch: 0, view: 0n } } as const;

async function newLog(disk = new FaultyVoteDisk()): Promise<VoteLog> {
  return await VoteLog.create(disk, OWNER, HASHER, [FROM_THE_BEGINNING]);
}

async function reopened(disk: FaultyVoteDisk): Promise<VoteLog> {
  const log = await VoteLog.open(disk, OWNER, HASHER);
  if (log === undefined) throw new Error('the log is gone');
  return log;
}

/** Numbers that look random, the same in each run. */
function chanceOf(seed: number): Chance {
  let state = seed + 1;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };
}

describe('what was said', () => {
  it('comes back with its proposal, and with certificates on the first statement', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const [nullify, notarize] = [certificate('nullify', 1n), certificate('notarize', 2n)];
    const first = statement('notarize', 2n, { proposal: proposal(2n), certificates: [nullify] });
    const second = statement('finalize', 2n, { certificates: [nullify, notarize] });
    await log.append([first, second]);
    await log.append([statement('propose', 1n, { epoch: 1 })]);
    const again = await reopened(disk);
    expect(again.statementsOf(0)).toEqual([
      { ...first, certificates: [nullify, notarize] },
      statement('finalize', 2n),
    ]);
    expect(again.statementsOf(1)).toEqual([statement('propose', 1n, { epoch: 1 })]);
    expect(again.statementsOf(2)).toEqual([]);
    expect(again.completeFrom).toEqual({ epoch: 0, view: 0n });
  });

  it('is not contradicted, in memory, in one group and after a restart', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    await log.append([statement('notarize', 1n), statement('nullify', 1n)]);
    await log.append([statement('finalize', 2n)]);
    for (const one of [log, await reopened(disk)]) {
      for (const wrong of [
        statement('notarize', 1n, { byte: 2 }),
        statement('finalize', 1n),
        statement('nullify', 2n),
        statement('finalize', 2n, { byte: 2 }),
      ]) {
        await expect(one.append([statement('propose', 3n), wrong])).rejects.toThrow(VoteError);
      }
      // Nothing of a refused group is remembered.
      expect(one.holds(statement('propose', 3n))).toBe(false);
    }
    const group = [statement('ratify', 5n), statement('ratify', 5n, { byte: 2 })];
    await expect(log.append(group)).rejects.toThrow(/ratify in view 5 of epoch 0 contradicts/);
  });

  it('costs no write when it is known, and one write for all that wait', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    await log.append([statement('notarize', 1n)]);
    expect(disk.writes).toBe(1);
    await log.append([statement('notarize', 1n)]);
    expect(disk.writes).toBe(1);
    await Promise.all([2n, 3n, 4n, 5n].map((view) => log.append([statement('nullify', view)])));
    expect(disk.writes).toBe(2);
  });

  it('may wait for what is said next, and is written with it', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const kept = [statement('propose', 1n), statement('notarize', 1n, { proposal: proposal(1n) })];
    for (const one of kept) log.keep([one]);
    expect(() => log.keep([statement('notarize', 1n, { byte: 2 })])).toThrow(VoteError);
    expect(kept.map((one) => log.holds(one))).toEqual([true, true]);
    expect([disk.writes, (await reopened(disk)).statementsOf(0)]).toEqual([0, []]);
    const last = statement('finalize', 1n);
    await log.append([last]);
    expect(disk.writes).toBe(1);
    expect((await reopened(disk)).statementsOf(0)).toEqual([...kept, last]);
    await log.close();
    expect(() => log.keep([statement('propose', 2n)])).toThrow(/closed/);
  });

  it('is on the disk when a statement that waits for it is given twice', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const said = [statement('notarize', 1n)];
    void log.append(said);
    await log.append(said);
    expect((await reopened(disk)).statementsOf(0)).toEqual(said);
  });

  it('is not said any more after a write that failed', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    disk.failAt = disk.steps + 1;
    await expect(log.append([statement('notarize', 1n)])).rejects.toThrow(StoreError);
    disk.failAt = Infinity;
    await expect(log.append([statement('notarize', 1n)])).rejects.toThrow(StoreError);
    await expect(log.append([statement('notarize', 2n)])).rejects.toThrow(StoreError);
    expect(disk.writes).toBe(0);
  });

  it('is split into frames when it is much, each on the disk before the next', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const views = Array.from({ length: 300 }, (_, at) => BigInt(at + 1));
    const many = views.map((view) =>
      statement('notarize', view, { proposal: proposal(view, 128) }),
    );
    await log.append(many);
    expect(disk.content?.length).toBeGreaterThan(MAX_FRAME_BODY);
    expect(disk.writes).toBeGreaterThan(1);
    expect((await reopened(disk)).statementsOf(0)).toEqual(many);
  });

  it('is read again when it is 100,000 statements', async () => {
    const disk = new FaultyVoteDisk();
    const log = await VoteLog.create(disk, OWNER, HASHER, [FROM_THE_BEGINNING]);
    const all = Array.from({ length: 100_000 }, (_, at) => statement('nullify', BigInt(at + 1)));
    for (let at = 0; at < all.length; at += 1_000) await log.append(all.slice(at, at + 1_000));
    const again = await VoteLog.open(disk, OWNER, HASHER);
    expect(again?.statementsOf(0)).toHaveLength(all.length);
    expect(again?.holds(statement('nullify', 100_000n))).toBe(true);
    await expect(again?.append([statement('finalize', 77_777n)])).rejects.toThrow(VoteError);
    await again?.forget({ epoch: 0, view: 99_991n });
    expect(disk.content?.length).toBeLessThan(1_000);
  });
});

describe('a log that is opened', () => {
  it('has the bytes of the example in the spec', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    await log.append([statement('nullify', 3n)]);
    const hex = Buffer.from(disk.content ?? []).toString('hex');
    const key = '09'.repeat(32);
    const complete = '0d000000[0-9a-f]{16}03000000000000000000000000';
    const said = `2f000000[0-9a-f]{16}0102000000000300000000000000${'00'.repeat(32)}00`;
    expect(hex).toMatch(new RegExp(`^544d56310700000000000000${key}${complete}${said}$`));
  });

  it('loses a torn end at whichever byte, and goes on', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    await log.append([statement('notarize', 1n)]);
    const whole = log.sizeBytes;
    await log.append([
      statement('notarize', 2n, {
        proposal: proposal(2n),
        certificates: [certificate('nullify', 1n)],
      }),
      statement('nullify', 3n),
    ]);
    const bytes = disk.content ?? new Uint8Array();
    for (let end = whole; end < bytes.length; end++) {
      const torn = new FaultyVoteDisk(bytes.slice(0, end));
      const again = await reopened(torn);
      expect(again.statementsOf(0)).toEqual([statement('notarize', 1n)]);
      await again.append([statement('nullify', 9n)]);
      expect((await reopened(torn)).holds(statement('nullify', 9n))).toBe(true);
    }
    expect((await reopened(new FaultyVoteDisk(bytes))).statementsOf(0)).toHaveLength(3);
  });

  it('is refused when any byte before the last frame is damaged', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    await log.append([statement('notarize', 1n, { proposal: proposal(1n) })]);
    const whole = log.sizeBytes;
    await log.append([statement('nullify', 1n)]);
    const bytes = disk.content ?? new Uint8Array();
    for (let at = 0; at < whole; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x41;
      await expect(VoteLog.open(new FaultyVoteDisk(damaged), OWNER, HASHER)).rejects.toThrow(
        VoteError,
      );
    }
  });

  it('is refused when two frames at its end are damaged', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const whole = log.sizeBytes;
    await log.append([statement('notarize', 1n)]);
    const second = log.sizeBytes;
    await log.append([statement('nullify', 1n)]);
    const damaged = disk.content?.slice() ?? new Uint8Array();
    damaged[whole + 20]! ^= 1;
    damaged[second + 20]! ^= 1;
    await expect(VoteLog.open(new FaultyVoteDisk(damaged), OWNER, HASHER)).rejects.toThrow(
      `damaged at byte ${whole}`,
    );
  });

  it('is refused when it is another network’s, another key’s, or another version’s', async () => {
    const disk = new FaultyVoteDisk();
    await newLog(disk);
    const openFor = async (owner: typeof OWNER) => await VoteLog.open(disk, owner, HASHER);
    await expect(openFor({ ...OWNER, networkId: 8n })).rejects.toThrow(/another network: 0{15}7/);
    const publicKey = new Uint8Array(32).fill(8);
    await expect(openFor({ ...OWNER, publicKey })).rejects.toThrow(/another key: (09){32}/);
    const body = Uint8Array.of(77);
    const frame = [1, 0, 0, 0, ...HASHER.blake2b256(body).subarray(0, 8), 77];
    const content = disk.content ?? new Uint8Array();
    await disk.append(Uint8Array.from(frame), content.length);
    await expect(openFor(OWNER)).rejects.toThrow(/written by another version/);
    expect(await VoteLog.open(new FaultyVoteDisk(), OWNER, HASHER)).toBeUndefined();
  });
});

describe('a log that forgets', () => {
  it('keeps what lies above, and certificates whatever statement they came with', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const later = certificate('notarize', 6n);
    await log.append([
      statement('notarize', 1n, { certificates: [certificate('nullify', 1n), later] }),
      statement('ratify', 4n),
    ]);
    await log.append([statement('finalize', 6n)]);
    await log.forget({ epoch: 0, view: 5n });
    await log.compact();
    for (const one of [log, await reopened(disk)]) {
      expect(one.statementsOf(0)).toEqual([statement('finalize', 6n, { certificates: [later] })]);
      expect(one.completeFrom).toEqual({ epoch: 0, view: 5n });
    }
    // What is over is not written once more.
    await log.append([statement('nullify', 7n, { certificates: [certificate('nullify', 2n)] })]);
    expect(log.statementsOf(0)[0]?.certificates).toEqual([later]);
  });

  it('makes its file small at the end of an epoch, and when it has grown', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    const empty = log.sizeBytes;
    await log.append([statement('notarize', 1n)]);
    await log.forget({ epoch: 0, view: 2n });
    expect(log.sizeBytes).toBeGreaterThan(empty);
    await log.append([statement('notarize', 3n)]);
    await log.forget({ epoch: 1, view: 0n });
    expect(log.sizeBytes).toBe(empty);
    expect((await reopened(disk)).completeFrom).toEqual({ epoch: 1, view: 0n });
    const sizes: number[] = [];
    for (let view = 1n; view <= 1_300n; view++) {
      await log.append([statement('notarize', view, { epoch: 1, proposal: proposal(view, 100) })]);
      sizes.push(log.sizeBytes);
      await log.forget({ epoch: 1, view });
    }
    expect(Math.max(...sizes)).toBeGreaterThan(4 << 20);
    expect(log.sizeBytes).toBeLessThan(1 << 20);
    expect(disk.content).toHaveLength(log.sizeBytes);
  });

  it('keeps what is said while the file is made small', async () => {
    const disk = new FaultyVoteDisk();
    const log = await newLog(disk);
    await log.append([statement('notarize', 1n)]);
    const small = log.compact();
    const said = log.append([statement('nullify', 2n)]);
    await Promise.all([small, said]);
    await Promise.all([log.compact(), log.append([statement('nullify', 3n)])]);
    expect((await reopened(disk)).statementsOf(0)).toHaveLength(3);
  });
});

describe('a power cut', () => {
  /** Says, forgets and makes small; tells what was surely on the disk. */
  async function work(log: VoteLog, sure: (one: SignedStatement) => void): Promise<void> {
    for (let view = 1n; view < 8n; view++) {
      const group = [
        statement('notarize', view, { proposal: proposal(view, 20) }),
        statement('finalize', view, { certificates: [certificate('notarize', view)] }),
      ];
      await log.append(group);
      group.forEach(sure);
      await log.forget({ epoch: 0, view: view - 1n });
      if (view % 3n === 0n) await log.compact();
    }
  }

  it('at any step, whatever sectors it leaves, takes nothing that may have been said', async () => {
    const whole = new FaultyVoteDisk();
    await work(await newLog(whole), () => undefined);
    const opening = 4;
    let found = 0;
    for (let failAt = opening + 1; failAt <= whole.steps; failAt++) {
      for (let seed = 0; seed < 20; seed++) {
        const disk = new FaultyVoteDisk();
        disk.failAt = failAt;
        const said: SignedStatement[] = [];
        const log = await newLog(disk);
        await expect(work(log, (one) => said.push(one))).rejects.toThrow();
        const again = await reopened(disk.afterPowerCut(chanceOf(failAt * 100 + seed)));
        const lastView = said.at(-1)?.view ?? 0n;
        for (const one of said.filter(({ view }) => view >= lastView)) {
          expect(again.holds(one)).toBe(true);
          found += 1;
        }
      }
    }
    expect(found).toBeGreaterThan(100);
  });

  it('while the log is made leaves none, or a whole one', async () => {
    for (let failAt = 1; failAt <= 4; failAt++) {
      for (let seed = 0; seed < 8; seed++) {
        const disk = new FaultyVoteDisk();
        disk.failAt = failAt;
        await expect(newLog(disk)).rejects.toThrow(StoreError);
        const after = disk.afterPowerCut(chanceOf(seed));
        const log = await VoteLog.open(after, OWNER, HASHER);
        expect(log?.completeFrom.view).toBe(after.content === undefined ? undefined : 0n);
      }
    }
  });
});

describe('the file', () => {
  it('is its owner’s alone, and goes on after a restart', async () => {
    const folder = await newFolder();
    const disk = await openVoteDisk(folder, OWNER.networkId);
    const log = await VoteLog.create(disk, OWNER, HASHER, [FROM_THE_BEGINNING]);
    await log.append([statement('notarize', 1n)]);
    await log.append([statement('nullify', 1n)]);
    await log.close();
    await expect(log.append([statement('nullify', 2n)])).rejects.toThrow(/closed/);
    const path = join(folder, 'votes.log');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readFile(path)).subarray(0, 4).toString()).toBe('TMV1');
    const second = await openVoteDisk(folder, OWNER.networkId);
    const again = await VoteLog.open(second, OWNER, HASHER);
    expect(again?.statementsOf(0)).toHaveLength(2);
    await again?.append([statement('nullify', 2n)]);
    await again?.forget({ epoch: 1, view: 0n });
    await again?.append([statement('nullify', 1n, { epoch: 1 })]);
    await again?.close();
    const third = await openVoteDisk(folder, OWNER.networkId);
    const last = await VoteLog.open(third, OWNER, HASHER);
    expect(last?.statementsOf(0)).toEqual([]);
    expect(last?.statementsOf(1)).toHaveLength(1);
    await last?.close();
  });

  it('is synced before a statement counts as written, and before it counts as cut', async () => {
    const folder = await newFolder();
    const steps: string[] = [];
    /** The real file; each step is noted when it is done. */
    const watched = async (path: string, flags: string): Promise<FileHandle> => {
      const handle = await openFile(path, flags);
      for (const name of ['write', 'datasync', 'truncate', 'sync'] as const) {
        const step = handle[name].bind(handle) as (...of: unknown[]) => Promise<unknown>;
        const noted = async (...of: unknown[]): Promise<unknown> => {
          const done = await step(...of);
          steps.push(name);
          return done;
        };
        Object.assign(handle, { [name]: noted });
      }
      return handle;
    };
    const disk = await openVoteDisk(folder, OWNER.networkId, watched);
    const log = await VoteLog.create(disk, OWNER, HASHER, [FROM_THE_BEGINNING]);
    await log.append([statement('notarize', 1n)]);
    expect(steps.splice(0)).toEqual(['write', 'datasync']);
    await log.mark({ type: 'silent', reason: 'log-behind' });
    expect(steps.splice(0)).toEqual(['write', 'datasync']);
    const { length } = await readFile(join(folder, 'votes.log'));
    await disk.truncate(length - 1);
    expect(steps).toEqual(['truncate', 'sync']);
    await log.close();
  });

  it('belongs to one process, until that is gone', async () => {
    const folder = await newFolder();
    const script = fileURLToPath(new URL('./testing/hold-votes.ts', import.meta.url));
    const child = spawn(process.execPath, [script, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 100_000,
    });
    const gone = once(child, 'exit');
    await once(child.stdout, 'data');
    await expect(openVoteDisk(folder, OWNER.networkId)).rejects.toMatchObject({ code: 'locked' });
    child.kill('SIGKILL');
    await gone;
    const disk = await openVoteDisk(folder, OWNER.networkId);
    await expect(openVoteDisk(folder, OWNER.networkId)).rejects.toMatchObject({ code: 'locked' });
    await disk.close();
  });
});
