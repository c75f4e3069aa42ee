import { describe, expect, it } from '@jest/globals';
import { pauseMs } from './events.ts';
import { ApiProblem } from './problem.ts';
import { Resources } from './resources.ts';
import { tokenOf } from './session.ts';

const turn = async (): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, 0));
};

describe('resources', () => {
  it('are fetched once, and again when they changed while they are shown', async () => {
    let count = 0;
    const resources = new Resources(() => 7);
    const load = async (): Promise<number> => ++count;
    expect(resources.read('messages?folder=INBOX', load).isLoading).toBe(true);
    let told = 0;
    const end = resources.watch('messages?folder=INBOX', () => (told += 1));
    await turn();
    expect(resources.read('messages?folder=INBOX', load)).toMatchObject({ value: 1, atMs: 7 });
    resources.invalidate('folders');
    resources.invalidate('messages');
    await turn();
    expect(resources.read('messages?folder=INBOX', load).value).toBe(2);
    expect(told).toBeGreaterThan(1);
    end();
    resources.invalidate('messages');
    await turn();
    expect(count).toBe(2);
    expect(resources.read('messages?folder=INBOX', load).value).toBeUndefined();
  });

  it('keep what was there when a later fetch fails', async () => {
    let isDown = false;
    const resources = new Resources(() => 7);
    const load = async (): Promise<string> => {
      if (isDown) throw new ApiProblem('unreachable', 0, 'no answer');
      return 'there';
    };
    resources.read('status', load);
    resources.watch('status', () => {});
    await turn();
    isDown = true;
    resources.invalidate('');
    await turn();
    const { value, problem, isLoading } = resources.read('status', load);
    expect({ value, code: problem?.code, isLoading }).toEqual({
      value: 'there',
      code: 'unreachable',
      isLoading: false,
    });
  });

  it('are forgotten when nothing has shown them for long', async () => {
    const resources = new Resources(() => 7);
    let first = 0;
    resources.read('messages/0', async () => ++first);
    for (let index = 1; index <= 300; index++) resources.read(`messages/${index}`, async () => 0);
    await turn();
    resources.read('messages/0', async () => ++first);
    await turn();
    expect(first).toBe(2);
  });
});

describe('the connection', () => {
  it('is tried again after a pause that grows to half a minute', () => {
    expect(pauseMs(0, 1)).toBe(1_000);
    expect(pauseMs(3, 0)).toBe(4_000);
    expect(pauseMs(40, 1)).toBe(30_000);
  });
});

describe('links', () => {
  it('hold a token, or are places of the app', () => {
    expect(tokenOf(`#token=${'a'.repeat(43)}`)).toBe('a'.repeat(43));
    expect(tokenOf('#/mail')).toBeUndefined();
    expect(tokenOf('#token=')).toBeUndefined();
  });
});
