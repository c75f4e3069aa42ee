/** Wrong passwords cost time, right ones none. */
import { expect, it } from '@jest/globals';
import { LoginGuard } from './login-guard.ts';

function guardAt(rests: number[]): LoginGuard & { pass(timeMs: number): void } {
  let nowMs = 0;
  const guard = new LoginGuard({
    passwords: { check: async (password) => (password === 'right' ? 'id' : undefined) },
    isOwnName: (name) => name === 'alice',
    nowMs: () => nowMs,
    rest: async (timeMs) => {
      rests.push(timeMs);
    },
  });
  return Object.assign(guard, {
    pass: (timeMs: number) => {
      nowMs += timeMs;
    },
  });
}

it('takes the right password of the right name', async () => {
  const guard = guardAt([]);
  expect(await guard.check('alice', 'right')).toBe('id');
  expect(await guard.check('bob', 'right')).toBeUndefined();
  expect(await guard.check('alice', 'wrong')).toBeUndefined();
});

it('lets five wrong ones pass in a minute, then waits longer and longer', async () => {
  const rests: number[] = [];
  const guard = guardAt(rests);
  for (let count = 0; count < 5; count++) await guard.check('alice', 'wrong');
  expect(rests).toEqual([]);
  for (let count = 0; count < 9; count++) await guard.check('alice', 'wrong');
  expect(rests).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  expect(await guard.check('alice', 'right')).toBe('id');
  guard.pass(60_000);
  await guard.check('alice', 'wrong');
  expect(rests).toHaveLength(9);
});
