/**
 * `tangle-node tools signer`: keeps a seat's key away from the node, and signs nothing that
 * contradicts what it signed. Path: tools.ts → here → agreement/signer-server.ts.
 * Spec: docs/spec/16-signer.md §6.
 */
import { Command } from 'commander';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';

interface SignerOptions {
  readonly key: string;
  readonly memory: string;
  readonly socket: string;
  readonly networkId: string;
  readonly first?: boolean;
}

/** `tools signer`. */
export function signerCommand(terminal: Terminal): Command {
  return new Command('signer')
    .description('sign for a node in another process; remembers what it signed')
    .requiredOption('--key <file>', 'the key file of the seat, see `tools keys`')
    .requiredOption('--memory <folder>', 'where it remembers: a folder of its own')
    .requiredOption('--socket <path>', 'the Unix socket to listen on')
    .requiredOption('--network-id <hex>', '16 digits, see `tools committee --genesis-file`')
    .option('--first', 'this key never signed anything: make the memory')
    .addHelpText(
      'after',
      '\nExample:\n  tangle-node tools signer --key seat.key --memory signer-data \\\n' +
        '    --socket signer.sock --network-id 8f1f0b1c2d3e4f50 --first',
    )
    .action(async (options: SignerOptions) => await runSigner(terminal, options));
}

async function runSigner(terminal: Terminal, options: SignerOptions): Promise<void> {
  const { key, memory, socket, networkId, first = false } = options;
  if (!/^[0-9a-f]{16}$/.test(networkId)) {
    throw new UsageError(`--network-id is "${networkId}": expected 16 hex digits`);
  }
  const [{ SignerServer }, { KeySigner }] = await Promise.all([
    import('../agreement/signer-server.ts'),
    import('../agreement/signer.ts'),
  ]);
  const signer = await KeySigner.read(key);
  const failed = Promise.withResolvers<never>();
  const server = await SignerServer.start(
    {
      socketPath: socket,
      folder: memory,
      networkId: BigInt(`0x${networkId}`),
      isFirstStart: first,
    },
    { signer, hasher: nobleHasher, onFatal: (error) => failed.reject(error) },
  );
  terminal.err(`signing on ${socket}\n`);
  try {
    await Promise.race([terminal.untilSignal(), failed.promise]);
  } finally {
    await server.stop();
  }
}
