/**
 * `tangle-node validator …`: what the owner of a validator does with its bond, against any node's
 * API; whatever the node says is proven here. Path: program.ts → here → bonds.ts, slash.ts.
 * Spec: docs/validators.md.
 */
import { Command } from 'commander';
import { formatAmount, parseAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { bytesToHex, hexToBytes, type Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { networkKindOf } from '@tanglemail/tangle/core/params/networks.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { readKeyFile, type KeyPair } from '../keys/key-file.ts';
import type { NodeWallet } from '../node-wallet.ts';
import type { BondChange, HeldBond } from './bonds.ts';
import { JSON_OPTION, secondText } from './options.ts';
import type { Slashing } from './slash.ts';

interface Common {
  readonly node: string;
  readonly genesisFile: string;
  readonly json?: boolean;
}

/** Options of the commands that change a bond. */
interface Owned extends Common {
  readonly key: string;
  readonly validator: string;
  readonly amount?: string;
}

const EXAMPLES = `
The wallet (--key) owns the bond and pays; the validator's key (--validator) signs in the agreement.
They are two keys: the wallet's need not be where the node runs.

Examples:
  tangle-node validator bond --key wallet.key --validator validator.key --amount 1000T
  tangle-node validator list --key wallet.key
  tangle-node validator unbond --key wallet.key --validator validator.key
  tangle-node validator withdraw --key wallet.key        # 30 days later`;

/** The command group; `terminal` gets all output. */
export function validatorCommand(terminal: Terminal): Command {
  return new Command('validator')
    .description('bond tokens for a validator’s key, give the bond up, take it back')
    .addHelpText('after', EXAMPLES)
    .addCommand(bondCommand(terminal))
    .addCommand(topUpCommand(terminal))
    .addCommand(unbondCommand(terminal))
    .addCommand(withdrawCommand(terminal))
    .addCommand(rotateCommand(terminal))
    .addCommand(listCommand(terminal))
    .addCommand(slashCommand(terminal));
}

function bondCommand(terminal: Terminal): Command {
  return owned('bond', 'bond tokens for a validator’s key, so that it can be elected')
    .requiredOption('--amount <amount>', 'such as 1000T, or base units')
    .action(async (options: Owned) => {
      await changeBonds(terminal, options, async (bonds, access, owner, publicKey) => {
        const amount = amountOf(options.amount) ?? 0n;
        return await bonds.makeBond(access, owner, publicKey, amount);
      });
    });
}

function topUpCommand(terminal: Terminal): Command {
  return owned('top-up', 'add tokens to the bond of a key')
    .requiredOption('--amount <amount>', 'what is added, such as 500T')
    .action(async (options: Owned) => {
      await changeBonds(terminal, options, async (bonds, access, owner, publicKey) => {
        const amount = amountOf(options.amount) ?? 0n;
        return await bonds.topUp(access, owner, publicKey, amount);
      });
    });
}

function unbondCommand(terminal: Terminal): Command {
  return owned('unbond', 'give up a bond: it is free after 30 days, and elects no more at once')
    .option('--amount <amount>', 'a part of it, such as 500T; all by default')
    .action(async (options: Owned) => {
      await changeBonds(terminal, options, async (bonds, access, owner, publicKey) => {
        return await bonds.unbond(access, owner, publicKey, amountOf(options.amount));
      });
    });
}

function rotateCommand(terminal: Terminal): Command {
  return owned('rotate', 'bond a new key and give up the old one’s bond, in one transaction')
    .requiredOption('--to <key>', 'the new public key (hex), or its key file')
    .option('--amount <amount>', 'bond of the new key; as much as the old one’s by default')
    .addHelpText('after', '\nThe old key keeps its seat until the next one begins: run it so long.')
    .action(async (options: Owned & { readonly to: string }) => {
      const to = await publicKeyFrom(options.to);
      await changeBonds(terminal, options, async (bonds, access, owner, from) => {
        return await bonds.rotateBond(access, owner, { from, to }, amountOf(options.amount));
      });
    });
}

function withdrawCommand(terminal: Terminal): Command {
  return common('withdraw', 'take back bonds that were given up 30 days ago')
    .requiredOption('--key <file>', 'key file of the wallet that owns them')
    .option('--validator <key>', 'only those of this public key (hex) or key file')
    .action(async (options: Common & { readonly key: string; readonly validator?: string }) => {
      const owner = await readKeyFile(options.key);
      const publicKey = await optionalKey(options.validator);
      await withNode(options, async (access) => {
        const { withdraw } = await import('./bonds.ts');
        const { amount, ...change } = await withdraw(access, owner, publicKey);
        if (options.json) outJson(terminal, { ...changeJson(change), amount: `${amount}` });
        else terminal.out(`${doneText(change)}${formatAmount(amount)} are in the wallet again.\n`);
      });
    });
}

interface ListOptions extends Common {
  readonly key?: string;
  readonly owner?: string;
  readonly validator?: string;
}

function listCommand(terminal: Terminal): Command {
  return common('list', 'show unspent bonds of an owner or of a validator’s key')
    .option('--key <file>', 'key file of the wallet that owns them')
    .option('--owner <address>', 'its address instead')
    .option('--validator <key>', 'only those of this public key (hex) or key file')
    .action(async (options: ListOptions) => {
      const publicKey = await optionalKey(options.validator);
      await withNode(options, async (access) => {
        const { findBonds } = await import('./bonds.ts');
        const owner = await ownerOf(options, access);
        if (owner === undefined && publicKey === undefined) {
          throw new UsageError('give --key, --owner or --validator');
        }
        const found = await findBonds(access, { owner, publicKey });
        if (options.json) outJson(terminal, found.map(bondJson));
        else if (found.length === 0) terminal.out('there are no bonds\n');
        else terminal.out(found.map((held) => listText(held, access)).join(''));
      });
    });
}

function slashCommand(terminal: Terminal): Command {
  return common('slash', 'bring evidence against a validator; nodes do this by themselves')
    .requiredOption('--evidence <file>', 'what `tools db evidence --json` printed')
    .option('--reward <address>', 'who gets a sixteenth; it is burnt with the rest by default')
    .action(async (options: Common & { readonly evidence: string; readonly reward?: string }) => {
      await withNode(options, async (access) => {
        const { readConvictions, slashBonds } = await import('./slash.ts');
        const reward = addressFrom('--reward', options.reward, access);
        const done: Slashing[] = [];
        for (const one of await readConvictions(options.evidence, access.networkId)) {
          done.push(...(await slashBonds(access, one, reward)));
        }
        if (options.json) outJson(terminal, done.map(slashJson));
        else terminal.out(done.map(slashText).join(''));
      });
    });
}

/** A command that asks a node, which needs the genesis to be held to what it says. */
function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--node <url>', 'API of a node of the network', 'http://127.0.0.1:14265')
    .option('--genesis-file <file>', 'the genesis document of the network', 'genesis.json')
    .option(...JSON_OPTION);
}

function owned(name: string, description: string): Command {
  return common(name, description)
    .requiredOption('--key <file>', 'key file of the wallet that owns the bond (`tools keys`)')
    .requiredOption('--validator <key>', 'public key (hex) of the validator, or its key file');
}

type Bonds = typeof import('./bonds.ts');
type Act = (
  bonds: Bonds,
  access: NodeWallet,
  owner: KeyPair,
  publicKey: Uint8Array,
) => Promise<BondChange>;

async function changeBonds(terminal: Terminal, options: Owned, act: Act): Promise<void> {
  const owner = await readKeyFile(options.key);
  const publicKey = await publicKeyFrom(options.validator);
  await withNode(options, async (access) => {
    const change = await act(await import('./bonds.ts'), access, owner, publicKey);
    if (options.json) outJson(terminal, changeJson(change));
    else terminal.out(changeText(change, access));
  });
}

/** Opens the way to the node, and says in words what goes wrong on it. */
async function withNode(
  { node, genesisFile }: Common,
  act: (access: NodeWallet) => Promise<void>,
): Promise<void> {
  if (!/^https?:\/\/\S+$/.test(node)) throw new UsageError(`--node is "${node}": expected a URL`);
  const genesis = await readGenesis(genesisFile);
  const { openNodeWallet } = await import('../node-wallet.ts');
  const access = await openNodeWallet({ nodeUrl: node, genesis, powThreads: 1 });
  try {
    const { networkId } = await access.client.info();
    if (networkId !== `${access.networkId}`) {
      throw new UsageError(`${node} belongs to another network than ${genesisFile}`);
    }
    await act(access);
  } catch (error) {
    const { explained } = await import('./validator-words.ts');
    throw explained(error, node);
  } finally {
    await access.close();
  }
}

async function publicKeyFrom(text: string): Promise<Uint8Array> {
  return /^[0-9a-f]{64}$/.test(text) ? hexToBytes(text) : (await readKeyFile(text)).publicKey;
}

async function optionalKey(text: string | undefined): Promise<Uint8Array | undefined> {
  return text === undefined ? undefined : await publicKeyFrom(text);
}

async function ownerOf(options: ListOptions, access: NodeWallet): Promise<Address | undefined> {
  const { key, owner } = options;
  if (key !== undefined && owner !== undefined) throw new UsageError('give --key or --owner');
  if (key !== undefined) return (await readKeyFile(key)).address;
  return addressFrom('--owner', owner, access);
}

function addressFrom(
  flag: string,
  text: string | undefined,
  { genesis }: NodeWallet,
): Address | undefined {
  if (text === undefined) return undefined;
  const read = readAddress(text, networkKindOf(genesis.name));
  if (read.ok) return read.value;
  throw new UsageError(`${flag} is "${text}": ${read.detail ?? read.code}`);
}

function amountOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const amount = parseAmount(text);
  if (amount !== undefined) return amount;
  throw new UsageError(`--amount is "${text}": expected such as 1.5T, or base units above 0`);
}

function doneText({ milestoneIndex, transactionId }: BondChange): string {
  return `final with milestone ${milestoneIndex}, transaction ${transactionId}; no fee\n`;
}

function changeText(change: BondChange, { genesis }: NodeWallet): string {
  const isElected = genesis.params.validatorBondMin > 0n;
  const texts = change.bonds.map(({ outputId, bond }) => {
    const what = `${formatAmount(bond.amount)} for the key ${bytesToHex(bond.publicKey)}`;
    const lines =
      bond.unbondAt === 0
        ? [`bonded     ${what}`, isElected ? ELECTED : NOT_ELECTED]
        : [`given up   ${what}`, waitText(bond.unbondAt)];
    return `${[...lines, outputId].join('\n           ')}\n`;
  });
  return `${doneText(change)}${texts.join('')}`;
}

const ELECTED = 'it counts in the next election; two contradicting signatures of the key burn it';
const NOT_ELECTED = 'this network elects nobody: it only makes the key liable';

function waitText(unbondAt: number): string {
  const free = `free at ${secondText(unbondAt)}: \`validator withdraw\``;
  return `${free}; till then evidence still burns it`;
}

function listText(held: HeldBond, { genesis }: NodeWallet): string {
  const { bond, outputId } = held;
  const counts = genesis.params.validatorBondMin;
  const state =
    bond.unbondAt === 0
      ? counts > 0n && bond.amount >= counts
        ? 'active, counts in elections'
        : 'active, counts in no election'
      : held.provenAt >= bond.unbondAt
        ? 'free: `validator withdraw`'
        : `given up, free at ${secondText(bond.unbondAt)}`;
  const key = bytesToHex(bond.publicKey);
  return `${formatAmount(bond.amount).padEnd(16)} ${key}  ${state}\n${''.padEnd(16)} ${outputId}\n`;
}

function slashText({ bond, milestoneIndex, conflict }: Slashing): string {
  const whose = `${formatAmount(bond.amount)} of the key ${bytesToHex(bond.publicKey)}`;
  return conflict === undefined
    ? `slashed ${whose}, final with milestone ${milestoneIndex}\n`
    : `not slashed by this: ${whose}: ${conflict}; a node may have been first\n`;
}

function changeJson({ transactionId, milestoneIndex, bonds }: BondChange) {
  return { transactionId, milestoneIndex, bonds: bonds.map(bondJson) };
}

function bondJson({ outputId, bond }: Pick<HeldBond, 'outputId' | 'bond'>) {
  const { amount, publicKey, owner, unbondAt } = bond;
  return { outputId, amount: `${amount}`, publicKey: bytesToHex(publicKey), owner, unbondAt };
}

function slashJson(slashing: Slashing) {
  const { milestoneIndex, conflict } = slashing;
  return { ...bondJson(slashing), milestoneIndex, ...(conflict === undefined ? {} : { conflict }) };
}
