/**
 * Four validators as real processes, whose network falls apart: two and two stand still, three go
 * on without the fourth, nobody forks, and all go on when it heals.
 */
import { describe, expect, it } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { playPartitions, type PartitionReport } from './testing/partitions.ts';
import { ProxiedLinks } from './testing/proxied-links.ts';

const TEST_TIMEOUT_MS = 240_000;
const DRIVER = fileURLToPath(new URL('./testing/cut-cables.ts', import.meta.url));
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', DRIVER];
const run = promisify(execFile);

/** Nobody went on in halves, three did without the fourth, and all have one chain. */
const GOOD = { inHalves: [0, 0, 0, 0], ofOne: 0, threeWentOn: true, wrong: [] };

function verdictOf({ inHalves, ofOne, ofThree, wrong }: PartitionReport): object {
  return { inHalves, ofOne, threeWentOn: ofThree >= 4, wrong };
}

describe('four validators whose network falls apart', () => {
  it(
    'do not fork and go on afterwards: connections that are reset',
    async () => {
      expect(verdictOf(await playPartitions(new ProxiedLinks()))).toEqual(GOOD);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    'do not fork and go on afterwards: packets that vanish, where the machine has namespaces',
    async () => {
      const space = ['-Urn', ...NODE];
      if (spawnSync('unshare', [...space, '--try']).status !== 0) {
        process.stderr.write('SKIPPED: this machine gives processes no networks of their own\n');
        return;
      }
      const { stdout } = await run('unshare', space, { timeout: TEST_TIMEOUT_MS - 10_000 });
      expect(verdictOf(JSON.parse(stdout) as PartitionReport)).toEqual(GOOD);
    },
    TEST_TIMEOUT_MS,
  );
});
