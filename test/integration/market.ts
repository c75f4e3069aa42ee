/**
 * A client and a whole storage provider in one process: a real ledger and real certificates behind
 * a node in memory, the provider with its API on the loopback, the client's rentals and inbox.
 */
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import { idKey } from '../../apps/storage-provider/src/store/buckets.ts';
import type { BlockId, OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { bytesToHex, idToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { auditPath, encodeAuditPath } from '@tanglemail/tangle/core/crypto/merkle.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { NodeApiError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { freePort } from '@tanglemail/tangle/io/testing/free-port.ts';
import { createApi } from '../../apps/storage-provider/src/api/create-api.ts';
import type { ProviderConfig } from '../../apps/storage-provider/src/config/schema.ts';
import type { Provider } from '../../apps/storage-provider/src/provider.ts';
import { FakeNode } from '../../apps/storage-provider/src/testing/fake-node.ts';
import { MemoryKv } from '../../apps/storage-provider/src/testing/memory-kv.ts';
import { testConfig, testProvider } from '../../apps/storage-provider/src/testing/world.ts';
import { ObjectFetcher } from '../../apps/client/src/inbox/object-fetcher.ts';
import { ProviderSync, type ToldToProviders } from '../../apps/client/src/inbox/provider-sync.ts';
import { StrangerScan } from '../../apps/client/src/inbox/stranger-scan.ts';
import { ChannelKeeper, type ChannelWallet } from '../../apps/client/src/rentals/channel-keeper.ts';
import { RentalBook } from '../../apps/client/src/rentals/rental-book.ts';
import { Renter, type RentTerms } from '../../apps/client/src/rentals/renter.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import { type Person, person } from '../../apps/client/src/testing/people.ts';
import { SpamGuard } from '../../apps/client/src/spam/spam-guard.ts';
import type { TangleAccess } from '../../apps/client/src/tangle/tangle-access.ts';

export const TERMS: RentTerms = {
  retentionDays: 30,
  monthlyPriceCap: 10_000_000n,
  deposit: 20_000n,
  credit: 2_000n,
  maxDebitPerDay: 1_000n,
};

export class Market {
  readonly node: FakeNode;
  provider: Provider;
  /** Requests that the client made to the provider: method and path. */
  readonly requests: string[] = [];
  #disk: MemoryKv;
  readonly #config: ProviderConfig;
  #api: { close(): Promise<void> };

  private constructor(
    node: FakeNode,
    { provider, disk }: { readonly provider: Provider; readonly disk: MemoryKv },
    api: { close(): Promise<void> },
    config: ProviderConfig,
  ) {
    this.node = node;
    this.#config = config;
    this.provider = provider;
    this.#disk = disk;
    this.#api = api;
  }

  /** `prices` in base units, where they differ from the provider's defaults. */
  static async start(prices: object = {}): Promise<Market> {
    const node = new FakeNode();
    node.confirm();
    const port = await freePort();
    const endpoints = [`http://127.0.0.1:${port}`];
    const config = testConfig({
      api: { port, rateLimit: { perSecond: 100_000, burst: 100_000 } },
      offer: { minCredit: '120', minChannel: '500', endpoints },
      prices,
    });
    const disk = new MemoryKv();
    const provider = testProvider(node, disk, config);
    await provider.feed.round();
    const api = await createApi(provider);
    const market = new Market(node, { provider, disk }, api, config);
    // The offer is in a block by now; this milestone confirms it.
    await market.confirm();
    return market;
  }

  get bondId(): string {
    return bytesToHex(this.provider.terms.bondId);
  }

  /** A milestone with these envelopes, `seconds` after the last one, worked off by the provider. */
  async confirm(envelopes: readonly Uint8Array[] = [], seconds = 1): Promise<void> {
    this.node.confirm(
      seconds,
      envelopes.map((bytes) => ({ kind: 'envelope', bytes })),
    );
    await this.provider.feed.round();
  }

  /** The provider's disk gives other bytes from now on than those that it was to keep. */
  async spoil(envelope: Uint8Array): Promise<void> {
    const root = bytesToHex(segmentRoot(envelope));
    const batch = this.#disk.batch();
    batch.put(idKey('body', root), new Uint8Array(envelope.length).fill(7));
    await batch.write({ sync: true });
  }

  /** What the provider knows of objects in a mailbox cannot be read from its disk. */
  async damage(mailboxId: string, envelopes: readonly Uint8Array[]): Promise<() => Promise<void>> {
    const keys = envelopes.map((one) => idKey('object', mailboxId, bytesToHex(segmentRoot(one))));
    const before = keys.map((key) => this.#disk.getSync(key) ?? new Uint8Array());
    const put = async (values: readonly Uint8Array[]): Promise<void> => {
      const batch = this.#disk.batch();
      keys.forEach((key, at) => batch.put(key, values[at] ?? new Uint8Array()));
      await batch.write({ sync: true });
    };
    await put([]);
    return () => put(before);
  }

  /** Everything that the provider kept is gone; it comes back at the same address. */
  async loseDisk(): Promise<void> {
    await this.goOnWith(new MemoryKv());
  }

  /** What the provider has on its disk now. */
  copyDisk(): MemoryKv {
    return this.#disk.copy();
  }

  /** The provider goes on with another disk. */
  async goOnWith(disk: MemoryKv): Promise<void> {
    await this.stop();
    this.#disk = disk;
    this.provider = testProvider(this.node, disk, this.#config);
    await this.provider.feed.round();
    this.#api = await createApi(this.provider);
    await this.confirm();
  }

  /** Takes the API away, does `meanwhile`, and serves again at the same address. */
  async restartApi(meanwhile: () => Promise<void>): Promise<void> {
    await this.#api.close();
    await meanwhile();
    this.#api = await createApi(this.provider);
  }

  async stop(): Promise<void> {
    await this.#api.close();
    await this.provider.stop();
  }

  /** What the client's parts need of the tangle, proven from the chain of the node. */
  access(): TangleAccess {
    const { node } = this;
    const { genesis, networkId } = node.chain;
    const clock = { nowMs: () => node.nowMs };
    const lightClient = LightClient.fromGenesis(genesis);
    const client = chainClient(node);
    const hasher = nobleHasher;
    const checker = new ProofChecker(lightClient, { hasher, clock, client: client as never });
    const parts: Partial<TangleAccess> = {
      networkId,
      params: genesis.params,
      node: client as never,
      checker,
      hasher,
      verifier: nobleVerifier,
      clock,
      random: {
        bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
        below: () => 0,
      },
      checkpoint: () => lightClient.checkpoint(),
    };
    return parts as TangleAccess;
  }
}

/** The part of a node's API that rentals use, over the chain in memory. */
function chainClient(node: FakeNode): object {
  const { chain } = node;
  const notFound = (): never => {
    throw new NodeApiError('not-found', 404);
  };
  const including = (id: BlockId) =>
    node.milestones.find(({ result }) => result.included.includes(id)) ?? notFound();
  const pathTo = (ids: readonly BlockId[], id: BlockId): string => {
    const leaves = ids.map((one) => idToBytes(one));
    return bytesToHex(encodeAuditPath(auditPath(leaves, ids.indexOf(id), nobleHasher)));
  };
  return {
    milestone: async () => node.milestones.at(-1)?.bytes,
    taggedData: async (tag: Uint8Array) =>
      node.milestones.toReversed().flatMap(({ result }, at) =>
        result.included
          .filter((id) => {
            const payload = chain.blocks.get(id)?.block.payload;
            const isTagged = payload?.kind === 'tagged-data';
            return isTagged && bytesToHex(payload.tag) === bytesToHex(tag);
          })
          .map((blockId) => ({ blockId, milestoneIndex: node.milestones.length - at })),
      ),
    blockProof: async (id: BlockId) => {
      const { bytes, result } = including(id);
      const block = chain.blocks.get(id)?.bytes ?? notFound();
      const applied = result.applied.includes(id);
      return {
        milestone: bytesToHex(bytes),
        block: bytesToHex(block),
        inclusionPath: pathTo(result.included, id),
        ...(applied ? { appliedPath: pathTo(result.applied, id) } : {}),
      };
    },
    output: async (id: OutputId) => {
      const found = (await node.output(id)) ?? notFound();
      const { spentBy } = found;
      return spentBy === undefined ? {} : { spent: { transactionId: spentBy } };
    },
    includedBlock: async (id: TransactionId) =>
      [...chain.blocks.values()].find((one) => one.transactionId === id)?.bytes ?? notFound(),
    async *outputs() {},
  };
}

export interface ClientSide {
  readonly who: Person;
  readonly book: RentalBook;
  readonly channels: ChannelKeeper;
  readonly renter: Renter;
  readonly sync: ProviderSync;
  readonly spam: SpamGuard;
  /** The same, of a client that tells its providers something else. */
  readonly syncWith: (told: ToldToProviders) => ProviderSync;
  readonly lifetime: AbortController;
  /** Milestones in which the wallet put money into channels. */
  readonly funded: () => number;
}

/** A client's rentals and inbox over a disk. */
export async function clientSide(
  market: Market,
  seedByte: number,
  disk: Disk = new Map(),
  terms: RentTerms = TERMS,
): Promise<ClientSide> {
  const { node } = market;
  const tangle = market.access();
  const who = await person(seedByte, sealedMemoryStore(memoryStore(disk).store), tangle);
  const { store, intake, tags, lists } = who;
  const lifetime = new AbortController();
  const logger = SILENT_LOGGER;
  let funded = 0;
  const wallet: ChannelWallet = {
    refundAddress: () => keyPair(60 + seedByte).address,
    isFunding: () => false,
    isSpending: () => false,
    refundChannel: () => Promise.reject(new Error('no refunds in these specs')),
    fund: async (output) => {
      const { payload, transactionId } = node.fund(output);
      funded += 1;
      node.confirm(1, [payload]);
      await market.provider.feed.round();
      return { transactionId, outputIndex: 0 };
    },
  };
  const book = await RentalBook.load(who);
  const channels = new ChannelKeeper({ tangle, book, wallet, logger });
  const renter = new Renter(terms, { tangle, book, channels, lifetime: lifetime.signal });
  const retainPerDay = terms.maxDebitPerDay;
  const fetcher = new ObjectFetcher({ retainPerDay }, { store, intake, book, tangle, logger });
  const spam = new SpamGuard(who);
  const strangers = new StrangerScan(intake, fetcher, spam);
  const isWaitedFor = (tag: Uint8Array): boolean => intake.isExact(tag);
  const inbox = { fetcher, strangers, spam, isWaitedFor };
  const deps = { book, renter, tags, lists, tangle, logger, ...inbox };
  const sync = new ProviderSync(deps);
  const syncWith = (told: ToldToProviders): ProviderSync => new ProviderSync({ ...deps, told });
  return { who, book, channels, renter, sync, syncWith, spam, lifetime, funded: () => funded };
}
