/**
 * What no agreement can save, measured bare on this machine: a hop over the loopback, and a sync of
 * a few bytes at the end of a file. Used by 18-finality.ts.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../measure.ts';

const ECHO = fileURLToPath(new URL('./echo.ts', import.meta.url));
const ROUNDS = 200;
/** About a vote with what gossip puts around it. */
const BYTES = 200;

/** Half of a round trip over TCP to another process and back, milliseconds. */
export async function bareHopMs(): Promise<number> {
  const child = fork(ECHO);
  const [port] = (await once(child, 'message')) as [number];
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedMs = performance.now();
    socket.write(new Uint8Array(BYTES));
    await once(socket, 'data');
    times.push((performance.now() - startedMs) / 2);
  }
  socket.destroy();
  child.disconnect();
  return median(times);
}

/** An appended vote until the disk has it, milliseconds. */
export async function bareSyncMs(folder: string): Promise<number> {
  const file = await open(join(folder, 'synced'), 'w');
  const times: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const startedMs = performance.now();
      await file.write(new Uint8Array(BYTES));
      await file.datasync();
      times.push(performance.now() - startedMs);
    }
  } finally {
    await file.close();
  }
  return median(times);
}
