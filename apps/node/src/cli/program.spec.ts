import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { genesisToJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import { TestTerminal } from '@tanglemail/tangle/io/shell/testing/test-terminal.ts';
import { testGenesis, testKey, VALIDATOR_KEY } from '../testing/test-network.ts';
import { writeKeyFile } from '../keys/key-file.ts';
import { runProgram } from './program.ts';
import type { Servers } from './run.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const NO_SERVERS: Servers = {
  nodeApi: () => Promise.reject(new Error('no server here')),
  controlApi: () => Promise.reject(new Error('no server here')),
  faucetApi: () => Promise.reject(new Error('no server here')),
};

async function run(argv: readonly string[], env = {}) {
  const terminal = new TestTerminal(env);
  const code = await runProgram(argv, terminal, NO_SERVERS);
  return { code, out: terminal.output, err: terminal.errors };
}

const words = (text: string): string[] => text.split(' ');

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cli-'));
  folders.push(folder);
  return folder;
}

describe('command line', () => {
  it.each([
    [['--help']],
    [['start', '--help']],
    [['faucet', '--help']],
    [['tools', 'genesis', '-h']],
  ])('explains %j with an example', async (argv) => {
    const { code, out } = await run(argv);
    expect(code).toBe(0);
    expect(out).toMatch(/Example/);
  });

  it('lists every setting of a node with its default', async () => {
    const { out } = await run(['start', '--help']);
    expect(out).toMatch(/--api-rate-limit-per-second <value>/);
    expect(out).not.toMatch(/--faucet-/);
  });

  it('prints every setting and where it came from, and starts nothing', async () => {
    const folder = await newFolder();
    const [genesis, file] = [join(folder, 'g.json'), join(folder, 'node.json')];
    await writeFile(genesis, genesisToJson(testGenesis()));
    await writeFile(file, JSON.stringify({ genesisFile: genesis, api: { port: 1_234 } }));
    const flags = ['start', '--check', '--config', file, '--gossip-listen', '/ip4/1.2.3.4/tcp/5'];
    const env = { TANGLE_NODE_LOG_LEVEL: 'debug' };
    const { code, out, err } = await run(flags, env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const [key, value, origin] of [
      ['api.port', '1234', file],
      ['gossip.listen', '\\["/ip4/1.2.3.4/tcp/5"\\]', '--gossip-listen'],
      ['logLevel', '"debug"', 'TANGLE_NODE_LOG_LEVEL'],
      ['metrics.port', '9311', 'default'],
      ['validator.keyFile', 'not set', 'default'],
    ]) {
      expect(out).toMatch(new RegExp(`^${key} +${value}  \\(${origin}\\)$`, 'm'));
    }
    expect(out).toMatch(/network test-node, a committee of 1: these settings are good\n$/);
    const wrong = await run(['start', '--check', '--api-port', 'x', '--genesis-file', genesis]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('api.port') });
  });

  it('makes keys and a genesis document that a node accepts', async () => {
    const folder = await newFolder();
    const [keys, faucet, file] = ['v.key', 'f.key', 'g.json'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    expect((await run(['tools', 'keys', '--out', keys])).code).toBe(0);
    const made = await run(['tools', 'keys', '--out', faucet, '--json']);
    const { address } = JSON.parse(made.out) as { address: string };
    const outputs = `--output ${faucet}:5000 ${'ab'.repeat(32)}:7000`;
    const params = '--preset test --param powBaseBits=5 depositPerByte=2';
    const genesis = await run(
      words(
        `tools genesis --name dev-a --committee ${keys} ${outputs} ${params} --out ${file} --json`,
      ),
    );
    expect(genesis.err).toBe('');
    expect(JSON.parse(genesis.out)).toMatchObject({ name: 'dev-a' });
    const loaded = loadGenesis(await readFile(file, 'utf8'));
    if (!loaded.ok) throw new Error(loaded.detail ?? loaded.code);
    expect(loaded.value.params).toMatchObject({ powBaseBits: 5, depositPerByte: 2n });
    expect(loaded.value.outputs.map(({ amount }) => amount)).toEqual([5_000n, 7_000n]);
    expect(loaded.value.outputs[0]?.address).toBe(address);
    expect(loaded.value.outputs[1]?.address).toBe('ab'.repeat(32));
    const again = await run(['tools', 'keys', '--out', keys]);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('exists already') });
  });

  it('makes a committee, and shows the one of a genesis document', async () => {
    const folder = await newFolder();
    const [seats, file] = [join(folder, 'seats'), join(folder, 'g.json')];
    const made = await run(words(`tools committee --members 4 --out ${seats} --json`));
    const { seats: members } = JSON.parse(made.out) as { seats: { publicKey: string }[] };
    const keys = members.map(({ publicKey }) => publicKey);
    const genesis = words(`tools genesis --name dev-four --out ${file} --committee`);
    const outputs = ['--output', `${'ab'.repeat(32)}:7000`];
    expect(await run([...genesis, ...keys, ...outputs])).toMatchObject({ code: 0 });
    const shown = await run(words(`tools committee --genesis-file ${file} --json`));
    expect(JSON.parse(shown.out)).toMatchObject({ network: 'dev-four', seats: keys, quorum: 3 });
    const text = await run(words(`tools committee --genesis-file ${file}`));
    expect(text.out).toMatch(/seat 3 .*\na milestone is final with 3 of 4 signatures\n$/);
    const again = await run(words(`tools committee --members 4 --out ${seats}`));
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining('exists already') });
    const neither = await run(words(`tools committee --members 4`));
    expect(neither).toMatchObject({ code: 2, err: expect.stringContaining('--genesis-file') });
  });

  it('shows the address of a key in each form, and takes each for a genesis output', async () => {
    const folder = await newFolder();
    const [key, file] = [join(folder, 'v.key'), join(folder, 'g.json')];
    const { out } = await run(['tools', 'keys', '--out', key]);
    const [, address] = /^address {5}([0-9a-f]{64})$/m.exec(out) ?? [];
    const [, test] = /^ {12}(twt1\w{59}) /m.exec(out) ?? [];
    const [, main] = /^ {12}(tw1\w{59}) /m.exec(out) ?? [];
    const genesisOf = async (name: string, owner = '') =>
      await run(
        words(
          `tools genesis --name ${name} --committee ${key} --output ${owner}:5000 --out ${file}`,
        ),
      );
    expect(await genesisOf('dev-a', test)).toMatchObject({ code: 0, err: '' });
    const loaded = loadGenesis(await readFile(file, 'utf8'));
    expect(loaded).toMatchObject({ ok: true, value: { outputs: [{ address, amount: 5_000n }] } });
    const other = await genesisOf('dev-a', main);
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('address-network') });
    const mistyped = await genesisOf(
      'mail',
      main?.replace(/.$/, (end) => (end === 'q' ? 'p' : 'q')),
    );
    expect(mistyped).toMatchObject({
      code: 2,
      err: expect.stringContaining('address-checksum, position 62 is probably wrong'),
    });
  });

  it('shows the peer id of a key, the same each time', async () => {
    const key = join(await newFolder(), 'peer.key');
    const first = await run(['tools', 'peer-id', '--key', key]);
    const second = await run(['tools', 'peer-id', '--key', key, '--json']);
    expect(first.out).toMatch(/^12D3KooW/);
    expect(JSON.parse(second.out)).toMatchObject({ peerId: first.out.trim() });
  });

  it('measures the proof of work', async () => {
    const { out } = await run(['tools', 'bench-pow', '--bits', '4', '--rounds', '2', '--json']);
    expect(JSON.parse(out)).toMatchObject({ bits: 4, threads: 1, rounds: 2 });
  });

  const wrong: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown command', ['dance'], /unknown command 'dance'/],
    ['an unknown flag', ['start', '--fly'], /unknown option '--fly'/],
    ['a wrong value', ['start', '--api-port', 'x'], /api\.port \(from --api-port\) is "x"/],
    [
      'a bad peer',
      ['start', '--gossip-peers', 'x'],
      /gossip\.peers \(from --gossip-peers\) is "x"/,
    ],
    ['no genesis', ['start', '--genesis-file', '/nowhere'], /cannot read the genesis document/],
    ['no configuration', ['start', '--config', '/nowhere'], /cannot read the configuration file/],
    ['a missing flag', ['tools', 'keys'], /required option '--out <file>'/],
    ['bad bits', ['tools', 'bench-pow', '--bits', '99'], /--bits is "99": expected an integer/],
    [
      'a bad output',
      ['tools', 'genesis', '--name', 'a', '--committee', 'ab'.repeat(32), '--output', 'x'],
      /--output is "x"/,
    ],
    [
      'a key that cannot sign',
      words(
        `tools genesis --name a --committee ${'00'.repeat(32)} --output ${'ab'.repeat(32)}:5000`,
      ),
      /committee/,
    ],
  ];
  it.each(wrong)('says what is wrong with %s, without a stack', async (_name, argv, message) => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('explains a bad variable and a bad file', async () => {
    const folder = await newFolder();
    const bad = join(folder, 'bad.json');
    await writeFile(bad, '{');
    expect(await run(['start'], { TANGLE_NODE_API_PORT: '-1' })).toMatchObject({
      code: 2,
      err: expect.stringContaining('TANGLE_NODE_API_PORT'),
    });
    expect(await run(['start'], { TANGLE_NODE_CONFIG: bad })).toMatchObject({
      code: 2,
      err: expect.stringContaining('not valid JSON'),
    });
  });

  it('runs no faucet on a real network, and none without a key', async () => {
    const folder = await newFolder();
    const [real, dev] = [join(folder, 'real.json'), join(folder, 'dev.json')];
    await writeFile(real, genesisToJson(testGenesis('mail')));
    await writeFile(dev, genesisToJson(testGenesis('dev-home')));
    const refused = await run(['faucet', '--genesis-file', real, '--log-level', 'silent']);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('not given away') });
    const keyless = await run(['faucet', '--genesis-file', dev, '--log-level', 'silent']);
    expect(keyless).toMatchObject({ code: 2, err: expect.stringContaining('faucet.keyFile') });
  });

  it('starts and stops a validator, and refuses one without a seat', async () => {
    const folder = await newFolder();
    const [genesis, four, key] = [
      join(folder, 'g.json'),
      join(folder, 'four.json'),
      join(folder, 'v.key'),
    ];
    await writeFile(genesis, genesisToJson(testGenesis()));
    await writeFile(four, genesisToJson(testGenesis('test-four', [2, 3, 4, 5].map(testKey))));
    await writeKeyFile(key, VALIDATOR_KEY);
    const gossip = '--gossip-listen /ip4/127.0.0.1/tcp/0';
    const flags = words(
      `--data-dir ${join(folder, 'data')} --validator-key-file ${key} ${gossip} ` +
        '--log-level silent --control-enabled false',
    );
    const alone = await run([
      'start',
      '--genesis-file',
      genesis,
      '--api-enabled',
      'false',
      ...flags,
    ]);
    expect(alone).toEqual({ code: 0, out: '', err: '' });
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const busy = `--gossip-listen /ip4/127.0.0.1/tcp/${port} --api-enabled false`;
    const listens = await run(words(`start --genesis-file ${genesis} ${flags.join(' ')} ${busy}`));
    taken.close();
    expect(listens).toMatchObject({ code: 2, err: expect.stringContaining('gossip.listen is') });
    const refused = await run(['start', '--genesis-file', four, ...flags]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('no seat') });
  });
});
