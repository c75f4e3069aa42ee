/**
 * `tangle-node tools bench-pow` and `bench`: what this machine can do. Path: tools.ts → here.
 */
import { Command } from 'commander';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { outJson, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { integerFrom, JSON_OPTION } from './options.ts';

/** `tools bench-pow`. */
export function benchPowCommand(terminal: Terminal): Command {
  return new Command('bench-pow')
    .description('measure the proof of work of this machine')
    .option('--bits <bits>', 'leading zero bits to search for', '18')
    .option('--threads <count>', 'worker threads', '1')
    .option('--rounds <count>', 'searches', '5')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  tangle-node tools bench-pow --bits 20 --threads 2')
    .action(async (options: Record<'bits' | 'threads' | 'rounds', string> & { json?: boolean }) => {
      const bits = integerFrom('--bits', options.bits, 32);
      const threads = integerFrom('--threads', options.threads, 256);
      const rounds = integerFrom('--rounds', options.rounds, 1_000);
      const result = await benchPow(bits, threads, rounds);
      if (options.json) outJson(terminal, result);
      else {
        terminal.out(
          `${result.hashesPerSecond} hashes/s on ${threads} thread(s) with ${result.backend}; ` +
            `${bits} bits take ${result.expectedMs} ms on average\n`,
        );
      }
    });
}

/** `tools bench`. */
export function benchCommand(terminal: Terminal): Command {
  return new Command('bench')
    .description('measure this machine, and say which network it can take part in')
    .option('--dir <folder>', 'a folder on the disk that the node would use', '.')
    .option('--seconds <count>', 'time of each of the five measurements', '3')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  tangle-node tools bench --dir /var/lib/tangle-node')
    .action(async (options: { dir: string; seconds: string; json?: boolean }) => {
      const seconds = integerFrom('--seconds', options.seconds, 600);
      const { measureMachine, verdictOf } = await import('./bench-run.ts');
      const measured = await measureMachine({ folder: options.dir, seconds });
      const verdict = verdictOf(measured);
      if (options.json) {
        outJson(terminal, { ...measured, ...verdict });
        return;
      }
      const lines = [
        `blocks checked        ${measured.checksPerSecond} a second with ${measured.hasher}`,
        `signatures checked    ${measured.signaturesPerSecond} a second`,
        `proof of work         ${measured.powHashesPerSecond} hashes a second, one thread`,
        `blocks written        ${measured.writesPerSecond} a second`,
        `synced write          ${measured.syncMsMedian} ms, slowest in a hundred ` +
          `${measured.syncMsP99} ms`,
        '',
        ...verdict.sentences,
      ];
      terminal.out(`${lines.join('\n')}\n`);
    });
}

async function benchPow(bits: number, threads: number, rounds: number) {
  const { PowPool } = await import('@tanglemail/tangle/io/accel/pow-pool.ts');
  const pool = new PowPool({ threads });
  try {
    const backend = await pool.ready;
    let hashes = 0;
    let elapsedMs = 0;
    for (let round = 0; round < rounds; round++) {
      const digest = nobleHasher.blake2b256(Uint8Array.of(round));
      const solution = await pool.solve(digest, bits);
      hashes += solution.hashes;
      elapsedMs += solution.elapsedMs;
    }
    const hashesPerSecond = Math.round((hashes / Math.max(elapsedMs, 1)) * 1_000);
    const expectedMs = Math.round((2 ** bits / Math.max(hashesPerSecond, 1)) * 1_000);
    return { backend, bits, threads, rounds, hashes, hashesPerSecond, expectedMs };
  } finally {
    await pool.close();
  }
}
