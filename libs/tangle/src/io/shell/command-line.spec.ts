import { describe, expect, it } from '@jest/globals';
import { Command } from 'commander';
import { StoreError } from '../level/store-error.ts';
import { runCommandLine } from './command-line.ts';
import { KeyFileError } from './key-file.ts';
import { ConfigError } from './settings.ts';
import { StopError } from './shutdown.ts';
import { outJson, UsageError } from './terminal.ts';
import { TestTerminal } from './testing/test-terminal.ts';

class ToyError extends Error {
  override readonly name = 'ToyError';
}

async function run(argv: readonly string[], action: (terminal: TestTerminal) => void = () => {}) {
  const terminal = new TestTerminal();
  const command = new Command('go').action(() => action(terminal));
  const program = new Command('toy').addCommand(command);
  const code = await runCommandLine(program, argv, terminal, ['ToyError']);
  return { code, out: terminal.output, err: terminal.errors };
}

function failing(error: unknown) {
  return run(['go'], () => {
    throw error;
  });
}

const refused = (code: string): Error =>
  Object.assign(new Error('listen'), { code, syscall: 'listen', address: '127.0.0.1', port: 80 });
const inUse = refused('EADDRINUSE');
const forbidden = Object.assign(new Error("EACCES: permission denied, mkdir '/x'"), {
  code: 'EACCES',
  syscall: 'mkdir',
  path: '/x',
});

describe('command line', () => {
  it('ends well', async () => {
    expect(await run(['go'])).toEqual({ code: 0, out: '', err: '' });
    const { out } = await run(['go'], (terminal) => outJson(terminal, { a: 1 }));
    expect(out).toBe('{\n  "a": 1\n}\n');
  });

  it('writes help to the terminal, and says where it is after a mistake', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, err: '' });
    const { code, err } = await run(['dance']);
    expect(code).toBe(2);
    expect(err).toMatch(/unknown command 'dance'[\s\S]*\(add --help for the options\)/);
  });

  it.each([
    ['a mistake of the person', new UsageError('so'), 2, 'toy: so\n'],
    ['a wrong setting', new ConfigError('so'), 2, 'toy: so\n'],
    ['a stop that hangs', new StopError('so'), 1, 'toy: so\n'],
    ['a bad key file', new KeyFileError('so'), 2, 'toy: so\n'],
    ['a mistake that the program names', new ToyError('so'), 2, 'toy: so\n'],
    [
      'a folder of another network',
      new StoreError('wrong-network'),
      2,
      'toy: this folder belongs to another network\n',
    ],
    ['a full disk', new StoreError('no-space'), 1, 'toy: the disk is full\n'],
    ['an address in use', inUse, 2, 'toy: the address 127.0.0.1:80 is in use by another process\n'],
    [
      'an address of another machine',
      refused('EADDRNOTAVAIL'),
      2,
      'toy: the address 127.0.0.1:80 is not this machine’s\n',
    ],
    ['a folder that may not be made', forbidden, 1, "toy: EACCES: permission denied, mkdir '/x'\n"],
    [
      'an address in use below others',
      new Error('no', { cause: new AggregateError([inUse]) }),
      2,
      'toy: the address 127.0.0.1:80 is in use by another process\n',
    ],
  ])('tells %s in one line', async (_name, error, code, err) => {
    expect(await failing(error)).toEqual({ code, out: '', err });
  });

  it('shows where it happened when the mistake is ours', async () => {
    const { code, err } = await failing(new RangeError('ours'));
    expect(code).toBe(1);
    expect(err).toMatch(/^toy: unexpected failure\nRangeError: ours\n\s+at /);
  });
});
