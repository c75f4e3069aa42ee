// `tanglemail filters` and its routes against a real API and a real search's memory.
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { createApi } from '../api/create-api.ts';
import { filterStatusDto } from '../api/filter-dto.ts';
import { FilterMemory } from '../filters/filter-memory.ts';
import { FilterScan } from '../filters/filter-scan.ts';
import { FilterSearch } from '../service/filter-service.ts';
import { ChainSource } from '../testing/chain-source.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { person } from '../testing/people.ts';
import { SmallTangle } from '../testing/small-tangle.ts';
import { testTerminal } from '../testing/test-terminal.ts';
import { runProgram } from './program.ts';

const TOKEN = 'b'.repeat(43);
let tangle: SmallTangle;
let dir: string;
let api: RunningServer;

async function serve(filters: FilterSearch): Promise<void> {
  const options = { host: '127.0.0.1', port: 0, token: TOKEN, version: '0.1.0' } as const;
  const services = { local: new MemoryClient(), filters };
  api = await createApi(services, { ...options, logger: SILENT_LOGGER });
  const file = { api: api.url, token: TOKEN, pid: process.pid };
  await writeFile(join(dir, 'daemon.json'), JSON.stringify(file));
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'filters-cli-'));
  tangle = await SmallTangle.start();
});
afterEach(async () => {
  await api.close();
  await tangle.stop();
  await rm(dir, { recursive: true });
});

async function cli(...line: string[]) {
  const terminal = testTerminal({ input: '' });
  const code = await runProgram(['--data-dir', dir, ...line], terminal);
  return { code, ...terminal.written };
}

it('shows what was read and of whom, and reads again', async () => {
  const { store, intake, tags, account } = await person(2, undefined, tangle.access);
  const [one, two] = ['one', 'two'].map((name) => new ChainSource(tangle.node, name));
  const filterScan = new FilterScan(
    { strangers: false, decoys: 0 },
    {
      nodes: [one!, two!],
      genesisId: tangle.node.start0.id,
      tangle: tangle.access,
      store,
      intake,
      tags,
      introKeys: () => [account.intro.publicKey],
      logger: SILENT_LOGGER,
    },
  );
  await serve(new FilterSearch({ filterScan }));
  const before = filterStatusDto.parse(JSON.parse((await cli('filters', 'status', '--json')).out));
  expect(before).toMatchObject({ isEnabled: true, next: null, caughtUpAt: null, mails: 0 });
  await tangle.access.issuer.issue(null);
  tangle.node.confirm();
  await filterScan.sync(new AbortController().signal);
  const memory = new FilterMemory(store);
  const liar = { url: two!.baseUrl, atMs: 1, milestoneIndex: 1, reason: 'filter-false' } as const;
  await memory.accuse(liar);
  const { out } = await cli('filters', 'status');
  expect(out).toMatch(/node +http:\/\/one\.example \(trusted\)/);
  expect(out).toMatch(/http:\/\/two\.example \(lied: filter-false at milestone 1\)/);
  expect(out).toMatch(/next milestone +2\n/);
  expect((await cli('filters', 'rescan')).out).toBe('Reading again from milestone 0.\n');
  const { code, out: json } = await cli('filters', 'rescan', '--from', '1', '--json');
  expect([code, JSON.parse(json)]).toMatchObject([0, { next: 1, caughtUpAt: null }]);
  expect((await cli('filters', 'rescan', '--from', 'x')).code).toBe(2);
});

it('filters-off: says so where the settings do not ask for them', async () => {
  await serve(new FilterSearch({ filterScan: undefined }));
  expect((await cli('filters', 'status')).out).toContain('mail.find');
  const { code, err } = await cli('filters', 'rescan');
  expect([code, err]).toEqual([5, expect.stringContaining('(filters-off); add filters to')]);
});
