/**
 * `tangle-node tools genesis`: writes the document that is a network. Path: tools.ts → here →
 * core/codec/genesis.ts. Spec: docs/spec/04-milestone.md.
 */
import { Command, Option } from 'commander';
import { hexToBytes, parseAddress, type Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
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
import { readKeyFile } from '../keys/key-file.ts';
import { createFile, JSON_OPTION } from './options.ts';

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

/** `tools genesis`. */
export function genesisCommand(terminal: Terminal): Command {
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
