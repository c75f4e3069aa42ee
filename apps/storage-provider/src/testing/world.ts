/**
 * A whole market in one process for tests: node, provider with its API on the loopback, and a
 * customer with a channel. Not part of production.
 */
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier, signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { refundDeposit } from '@tanglemail/tangle/core/block/deposit.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import type { KeyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import type { ClientChannel } from '@tanglemail/mail/core/market/channel-states.ts';
import type { MailboxPolicy } from '@tanglemail/mail/core/market/mailbox.ts';
import { openChannel } from '@tanglemail/mail/io/provider/open-channel.ts';
import { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { SigningKey } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { ChannelPurse } from '@tanglemail/mail/io/provider/purse.ts';
import { loadConfig } from '@tanglemail/tangle/io/shell/settings.ts';
import { PROVIDER_SETTINGS } from '../config/schema.ts';
import type { ProviderConfig } from '../config/schema.ts';
import { Provider } from '../provider.ts';
import { FakeNode } from './fake-node.ts';
import { MemoryKv } from './memory-kv.ts';

export const POLICY: MailboxPolicy = {
  maxObject: 24_576,
  retentionDays: 30,
  maxDebitPerDay: 10_000n,
  unsolicited: true,
  maxUpload: 37_748_736,
};

const KEYS = { bondKey: new Uint8Array(32).fill(7), payKey: new Uint8Array(32).fill(8) };

/** Configuration of a provider on free ports. */
export function testConfig(content: object = {}): ProviderConfig {
  const base = {
    logLevel: 'silent',
    api: { port: 0, rateLimit: { perSecond: 100_000, burst: 100_000 } },
    metrics: { port: 0 },
  };
  return loadConfig(PROVIDER_SETTINGS, {
    flags: {},
    env: {},
    file: { path: 'test', content: { ...base, ...content } },
  });
}

/** A provider over `node` and `kv`; the API is left to the test. */
export function testProvider(
  node: FakeNode,
  kv: MemoryKv,
  config: ProviderConfig = testConfig(),
  logger: Logger = SILENT_LOGGER,
): Provider {
  const identity = {
    genesis: node.chain.genesis,
    keys: KEYS,
    endpoint: 'http://127.0.0.1:14280',
  };
  const clock = { nowMs: () => node.nowMs + node.clockAheadMs };
  return new Provider(config, identity, {
    kv,
    node,
    checker: node.checker,
    clock,
    hasher: nobleHasher,
    verifier: nobleVerifier,
    logger,
    freeBytes: async () => node.freeBytes,
  });
}

export function signingKey({ publicKey, secretKey }: KeyPair): SigningKey {
  return { publicKey, sign: (message) => signEd25519(secretKey, message) };
}

/** A client whose clock is the chain's and whose randomness counts. */
export function testClient(node: FakeNode, baseUrl: string, send?: typeof fetch): ProviderClient {
  let counter = 0;
  const random = {
    bytes: (length: number) => {
      counter += 1;
      const bytes = new Uint8Array(length);
      new DataView(bytes.buffer).setUint32(0, counter);
      return bytes;
    },
    below: () => 0,
  };
  const clock = { nowMs: () => node.nowMs };
  const options = { baseUrl, networkId: node.chain.networkId };
  const deps = { verifier: nobleVerifier, clock, random };
  return new ProviderClient(options, send ? { ...deps, fetch: send } : deps);
}

/** A purse in memory; `saved` holds every record in order. */
export class TestPurse implements ChannelPurse {
  readonly saved: ClientChannel[];
  readonly key: KeyPair;

  constructor(channel: ClientChannel, key: KeyPair) {
    this.saved = [channel];
    this.key = key;
  }

  get payerPublicKey(): Uint8Array {
    return this.key.publicKey;
  }

  channel(): ClientChannel {
    return this.saved.at(-1) as ClientChannel;
  }

  async save(channel: ClientChannel): Promise<void> {
    this.saved.push(channel);
  }

  sign(message: Uint8Array): Uint8Array {
    return signEd25519(this.key.secretKey, message);
  }
}

/** Opens a channel of `spendable` base units with the provider's offer. */
export async function openPurse(
  node: FakeNode,
  provider: Provider,
  seed = 20,
  spendable = 40_000n,
): Promise<TestPurse> {
  const key = keyPair(seed);
  const offer = provider.offers.offer;
  if (!offer) throw new Error('no offer yet');
  const request = {
    offer,
    payerPublicKey: key.publicKey,
    keyIndex: seed,
    refundAddress: keyPair(seed + 1).address,
    spendable,
    reserve: refundDeposit(node.chain.genesis.params),
    ledgerTime: Math.floor(node.nowMs / 1_000),
  };
  const funder = {
    fund: async (output: Parameters<FakeNode['fund']>[0]) => {
      const { payload, transactionId } = node.fund(output);
      node.confirm(1, [payload]);
      return { transactionId, outputIndex: 0 };
    },
  };
  const opened = await openChannel(request, funder, async () => undefined);
  if (!opened.ok) throw new Error(opened.code);
  return new TestPurse(opened.value, key);
}

/** An envelope of `size` bytes with a tag; `filler` makes it differ from others. */
export function envelope(tag: Uint8Array, size = 1_020, filler = 0): Payload {
  const bytes = new Uint8Array(size).fill(filler);
  bytes[0] = 1;
  bytes[1] = 1;
  bytes.set(tag, 2);
  return { kind: 'envelope', bytes };
}

/** A tag of 16 bytes that starts with `bytes`. */
export function tagOf(...bytes: number[]): Uint8Array {
  const tag = new Uint8Array(16);
  tag.set(bytes);
  return tag;
}
