/**
 * `tangle-node tools …`: what an operator needs before a node runs. Output that is data is JSON
 * with `--json`; files are never overwritten.
 */
import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import {
  bytesToHex,
  hexToBytes,
  parseAddress,
  type Address,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { formatWalletAddress, readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import {
  genesisToJson,
  networkIdOf,
  type Genesis,
  type GenesisOutput,
} from '@tanglemail/tangle/core/codec/genesis.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { checkGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';
import {
  NETWORK_PRESETS,
  networkKindOf,
  type NetworkKind,
  type NetworkParams,
  type NetworkPreset,
} from '@tanglemail/tangle/core/params/networks.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { renderConfigDocs } from '../config/docs.ts';
import { generateKeyPair, readKeyFile, writeKeyFile } from '../keys/key-file.ts';

const JSON_OPTION = ['--json', 'print JSON'] as const;

/** The command group; `terminal` gets all output. */
export function toolsCommand(terminal: Terminal): Command {
  return new Command('tools')
    .description('keys, genesis documents and measurements')
    .addCommand(keysCommand(terminal))
    .addCommand(genesisCommand(terminal))
    .addCommand(peerIdCommand(terminal))
    .addCommand(benchPowCommand(terminal))
    .addCommand(configDocsCommand(terminal));
}

function keysCommand(terminal: Terminal): Command {
  return new Command('keys')
    .description('make an Ed25519 key file (mode 0600) for a committee seat or a faucet')
    .requiredOption('--out <file>', 'the file to create')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  tangle-node tools keys --out validator.key')
    .action(async (options: { out: string; json?: boolean }) => {
      const { out: file } = options;
      const pair = generateKeyPair();
      await writeKeyFile(file, pair);
      const { address } = pair;
      const publicKey = bytesToHex(pair.publicKey);
      // A key belongs to no network yet; the text form differs by its kind.
      const addressText = {
        main: formatWalletAddress(address, 'main'),
        test: formatWalletAddress(address, 'test'),
      };
      if (options.json) {
        outJson(terminal, { file, publicKey, address, addressText });
        return;
      }
      terminal.out(`${file}\npublic key  ${publicKey}\naddress     ${address}\n`);
      terminal.out(`            ${addressText.test} (networks named dev… or test…)\n`);
      terminal.out(`            ${addressText.main} (all others)\n`);
    });
}

interface GenesisOptions {
  readonly name: string;
  readonly preset: NetworkPreset;
  readonly committee: readonly string[];
  readonly output: readonly string[];
  readonly param?: readonly string[];
  readonly timestamp?: string;
  readonly out: string;
  readonly json?: boolean;
}

function genesisCommand(terminal: Terminal): Command {
  const presets = Object.keys(NETWORK_PRESETS);
  return new Command('genesis')
    .description('write the genesis document of a new network')
    .requiredOption('--name <name>', 'name of the network: a–z, 0–9 and "-"; dev… allows a faucet')
    .addOption(new Option('--preset <preset>', 'parameters').choices(presets).default('devnet'))
    .requiredOption('--committee <key...>', 'public keys (hex) or key files, in seat order')
    .requiredOption(
      '--output <owner:amount...>',
      'address (hex digits, twt1… or tw1…) or key file, ":", base units',
    )
    .option('--param <name=value...>', 'changes a parameter of the preset')
    .option('--timestamp <ms>', 'time of milestone 0, milliseconds since 1970 (default: now)')
    .option('--out <file>', 'the file to create', 'genesis.json')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nExample:\n  tangle-node tools genesis --name dev-home --committee validator.key \\\n' +
        '    --output faucet.key:1000000000000 --param powBaseBits=10',
    )
    .action(async (options: GenesisOptions) => {
      const genesis = await genesisOf(options);
      await createFile(options.out, `${genesisToJson(genesis)}\n`);
      const networkId = networkIdOf(genesis, nobleHasher).toString(16).padStart(16, '0');
      if (options.json) outJson(terminal, { file: options.out, name: genesis.name, networkId });
      else terminal.out(`${options.out}\nnetwork     ${genesis.name}\nnetwork id  ${networkId}\n`);
    });
}

async function genesisOf(options: GenesisOptions): Promise<Genesis> {
  const committee = await Promise.all(options.committee.map((text) => publicKeyFrom(text)));
  const network = networkKindOf(options.name);
  const outputs = await Promise.all(options.output.map((text) => outputFrom(text, network)));
  const timestampMs = options.timestamp === undefined ? Date.now() : Number(options.timestamp);
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw new UsageError(`--timestamp is "${options.timestamp}": expected milliseconds since 1970`);
  }
  const params = paramsFrom(NETWORK_PRESETS[options.preset], options.param ?? []);
  const genesis: Genesis = { name: options.name, timestampMs, params, committee, outputs };
  const checked = checkGenesis(genesis);
  if (!checked.ok) throw new UsageError(`no network can start from this: ${checked.detail ?? ''}`);
  return genesis;
}

async function publicKeyFrom(text: string): Promise<Uint8Array> {
  if (/^[0-9a-f]{64}$/.test(text)) return hexToBytes(text);
  return (await readKeyFile(text)).publicKey;
}

async function outputFrom(text: string, network: NetworkKind): Promise<GenesisOutput> {
  const match = /^(.+):([1-9][0-9]{0,18})$/.exec(text);
  const [owner, amount] = [match?.[1], match?.[2]];
  if (owner === undefined || amount === undefined) {
    throw new UsageError(`--output is "${text}": expected an address or key file, ":", base units`);
  }
  return { address: await addressFrom(owner, network), amount: BigInt(amount) };
}

/** A name that begins as address text does is one; the key file of such a name is `./tw1…`. */
async function addressFrom(owner: string, network: NetworkKind): Promise<Address> {
  const plain = parseAddress(owner);
  if (plain !== undefined) return plain;
  if (!/^twt?1/i.test(owner)) return (await readKeyFile(owner)).address;
  const read = readAddress(owner, network);
  if (read.ok) return read.value;
  throw new UsageError(`--output has the address "${owner}": ${read.code}, ${read.detail ?? ''}`);
}

function paramsFrom(preset: NetworkParams, changes: readonly string[]): NetworkParams {
  const params: Record<string, number | bigint> = { ...preset };
  for (const change of changes) {
    const [name = '', value = ''] = change.split('=', 2);
    const current = params[name];
    if (current === undefined || !/^[0-9]{1,15}$/.test(value)) {
      const names = Object.keys(preset).join(', ');
      throw new UsageError(`--param is "${change}": expected NAME=NUMBER with a name of ${names}`);
    }
    params[name] = typeof current === 'bigint' ? BigInt(value) : Number(value);
  }
  return params as unknown as NetworkParams;
}

function peerIdCommand(terminal: Terminal): Command {
  return new Command('peer-id')
    .description('show the peer id of a node’s network key; makes the key when it is missing')
    .requiredOption('--key <file>', 'the key file, usually DATA_DIR/peer.key')
    .option(...JSON_OPTION)
    .addHelpText('after', '\nExample:\n  tangle-node tools peer-id --key tangle-data/peer.key')
    .action(async (options: { key: string; json?: boolean }) => {
      const { loadPeerKey, peerKeyText } = await import('@tanglemail/tangle/io/libp2p/peer-key.ts');
      const peerId = peerKeyText(await loadPeerKey(options.key));
      if (options.json) outJson(terminal, { file: options.key, peerId });
      else terminal.out(`${peerId}\n`);
    });
}

function benchPowCommand(terminal: Terminal): Command {
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

function integerFrom(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new UsageError(`${flag} is "${text}": expected an integer from 1 to ${max}`);
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

function configDocsCommand(terminal: Terminal): Command {
  return new Command('config-docs')
    .description('print docs/configuration.md')
    .action(() => terminal.out(renderConfigDocs()));
}

async function createFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw new UsageError(`cannot create ${path}; is there such a file already?`, { cause: error });
  }
}
