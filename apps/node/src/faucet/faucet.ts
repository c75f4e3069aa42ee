/**
 * The faucet of a development network: a wallet with genesis tokens behind a small API, in a
 * process of its own that talks to a node like any other client. Spec: docs/spec/11-node-api.md,
 * "Faucet".
 */
import { minimumAmount } from '@tanglemail/tangle/core/block/deposit.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Address, BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { networkKindOf, type NetworkKind } from '@tanglemail/tangle/core/params/networks.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { HealthDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { ConfigError } from '@tanglemail/tangle/io/shell/settings.ts';
import type { NodeConfig } from '../config/schema.ts';
import { readKeyFile, type KeyPair } from '../keys/key-file.ts';
import { openNodeWallet, type NodeWallet } from '../node-wallet.ts';
import { SYSTEM_CLOCK } from '@tanglemail/tangle/io/system.ts';
import { Dispenser, type Grant, type Payment } from './dispenser.ts';

export interface FaucetOptions {
  readonly config: NodeConfig;
  readonly genesis: Genesis;
  readonly logger: Logger;
}

interface Parts {
  readonly key: KeyPair;
  readonly access: NodeWallet;
}

export class Faucet {
  /** Which addresses it pays to. */
  readonly network: NetworkKind;
  readonly #parts: Parts;
  readonly #dispenser: Dispenser;
  readonly #abort = new AbortController();

  private constructor(parts: Parts, { config, genesis, logger }: FaucetOptions) {
    this.network = networkKindOf(genesis.name);
    this.#parts = parts;
    const least = minimumAmount(
      { kind: 'basic', amount: 1n, address: parts.key.address },
      genesis.params,
    );
    const { perAddressPerHour, totalPerHour } = config.faucet;
    const amount = BigInt(config.faucet.amount);
    this.#dispenser = new Dispenser(
      { amount, amountMin: least, perAddressPerHour, totalPerHour },
      { send: (payments, onIssued) => this.#send(payments, onIssued), clock: SYSTEM_CLOCK, logger },
    );
  }

  /** Throws ConfigError on a real network and without a key, KeyFileError for a bad key file. */
  static async open(options: FaucetOptions): Promise<Faucet> {
    const { config, genesis } = options;
    if (networkKindOf(genesis.name) !== 'test') {
      throw new ConfigError(
        `the network is "${genesis.name}": expected a name that begins with dev or test, ` +
          'because tokens of a real network are not given away',
      );
    }
    if (config.faucet.keyFile === undefined) {
      throw new ConfigError('faucet.keyFile is not set: expected the key file of a genesis output');
    }
    const key = await readKeyFile(config.faucet.keyFile);
    const { nodeUrl } = config.faucet;
    const access = await openNodeWallet({ nodeUrl, genesis, powThreads: config.pow.threads });
    return new Faucet({ key, access }, options);
  }

  start(): void {
    this.#dispenser.start();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#dispenser.stop();
    await this.#parts.access.close();
  }

  /** See `Dispenser.request`. */
  request(address: Address, amount: bigint | undefined): Promise<Grant> {
    return this.#dispenser.request(address, amount);
  }

  /** Healthy when its node is. */
  async health(): Promise<HealthDto> {
    try {
      return await this.#parts.access.client.health();
    } catch {
      return { healthy: false, reasons: ['the node does not answer'] };
    }
  }

  async #send(payments: readonly Payment[], onIssued: (blockId: BlockId) => void): Promise<void> {
    const { access, key } = this.#parts;
    await access.wallet.sendTransaction({
      from: [key.secretKey],
      outputs: payments.map(({ address, amount }) => ({ kind: 'basic', address, amount })),
      onIssued: ({ blockId }) => onIssued(blockId),
      signal: this.#abort.signal,
    });
  }
}
