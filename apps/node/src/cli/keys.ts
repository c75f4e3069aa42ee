/**
 * `tangle-node tools keys`, `committee` and `peer-id`: the keys of seats, faucets and nodes, and
 * which seats a network has. Path: tools.ts → here → keys/key-file.ts.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { formatWalletAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { quorum } from '@tanglemail/tangle/core/milestone/committee.ts';
import { MAX_COMMITTEE } from '@tanglemail/tangle/core/params/limits.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { generateKeyPair, writeKeyFile } from '../keys/key-file.ts';
import { integerFrom, JSON_OPTION } from './options.ts';

/** `tools keys`. */
export function keysCommand(terminal: Terminal): Command {
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

/** `tools peer-id`. */
export function peerIdCommand(terminal: Terminal): Command {
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

interface CommitteeOptions {
  readonly members?: string;
  readonly out?: string;
  readonly genesisFile?: string;
  readonly json?: boolean;
}

/** `tools committee`. */
export function committeeCommand(terminal: Terminal): Command {
  return new Command('committee')
    .description('make the keys of a committee, or show the committee of a genesis document')
    .option('--members <count>', 'how many key files to make')
    .option('--out <folder>', 'the folder for them')
    .option('--genesis-file <file>', 'show the seats of this network')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nExamples:\n  tangle-node tools committee --members 4 --out seats\n' +
        '  tangle-node tools committee --genesis-file genesis.json',
    )
    .action(async (options: CommitteeOptions) => {
      const { members, out, genesisFile } = options;
      if (genesisFile !== undefined && members === undefined) {
        await showCommittee(terminal, genesisFile, options.json === true);
      } else if (genesisFile === undefined && members !== undefined && out !== undefined) {
        const count = integerFrom('--members', members, MAX_COMMITTEE);
        await makeCommittee(terminal, count, out, options.json === true);
      } else {
        throw new UsageError('give either --members and --out, or --genesis-file');
      }
    });
}

async function makeCommittee(
  terminal: Terminal,
  count: number,
  folder: string,
  json: boolean,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const seats: { file: string; publicKey: string }[] = [];
  for (let seat = 0; seat < count; seat++) {
    const file = join(folder, `seat-${seat}.key`);
    const pair = generateKeyPair();
    await writeKeyFile(file, pair);
    seats.push({ file, publicKey: bytesToHex(pair.publicKey) });
  }
  if (json) {
    outJson(terminal, { seats, quorum: quorum(count) });
    return;
  }
  for (const { file, publicKey } of seats) terminal.out(`${file}  ${publicKey}\n`);
  const keys = seats.map(({ publicKey }) => publicKey).join(' ');
  terminal.out(`\nfor tools genesis:  --committee ${keys}\n`);
}

async function showCommittee(terminal: Terminal, file: string, json: boolean): Promise<void> {
  const genesis = await readGenesis(file);
  const networkId = networkIdOf(genesis, nobleHasher).toString(16).padStart(16, '0');
  const seats = genesis.committee.map((key) => bytesToHex(key));
  const signatures = quorum(seats.length);
  if (json) {
    outJson(terminal, { network: genesis.name, networkId, seats, quorum: signatures });
    return;
  }
  terminal.out(`network     ${genesis.name}\nnetwork id  ${networkId}\n`);
  for (const [seat, key] of seats.entries()) terminal.out(`seat ${seat}      ${key}\n`);
  terminal.out(`a milestone is final with ${signatures} of ${seats.length} signatures\n`);
}
