/**
 * The storage provider: builds every part by hand and says in which order they start and stop.
 * Before: cli/run.ts. After: feed/ reads the node, payments/ and mailboxes/ keep the books, api/
 * serves them. Spec: docs/spec/33-mailbox.md, docs/spec/34-provider-api.md.
 */
import { refundDeposit } from '@tanglemail/tangle/core/block/deposit.ts';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { addressFromBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { TrustedMilestone } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { Clock, Hasher, Verifier } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { ConfigError } from '@tanglemail/tangle/io/shell/settings.ts';
import { MARKET_TIMES, MAX_TAG_UPLOADS } from '@tanglemail/mail/core/market/constants.ts';
import { inconsistentField } from '@tanglemail/mail/core/market/offer.ts';
import type { ProviderConfig } from './config/schema.ts';
import { Feed } from './feed/feed.ts';
import type { MilestoneSource } from './feed/feed.ts';
import type { ProviderKeys } from './keys/key-file.ts';
import { apiSecretOf } from './keys/key-file.ts';
import { LedgerClock } from './ledger-clock.ts';
import { ARRIVAL_OUTCOMES, Arrivals } from './mailboxes/arrivals.ts';
import type { ArrivalCounts } from './mailboxes/arrivals.ts';
import { MailboxDesk } from './mailboxes/mailbox-desk.ts';
import { ObjectDesk } from './mailboxes/object-desk.ts';
import { Sessions } from './mailboxes/sessions.ts';
import { Sweeper } from './mailboxes/sweeper.ts';
import { createProviderMetrics } from './metrics.ts';
import type { ProviderMetrics } from './metrics.ts';
import { OfferPublisher } from './offer/offer-publisher.ts';
import { PartDesk } from './parts/part-desk.ts';
import { Slots } from './parts/slots.ts';
import { Challenges } from './payments/challenges.ts';
import { ChannelDesk } from './payments/channel-desk.ts';
import { ClaimScheduler } from './payments/claim-scheduler.ts';
import type { ClaimReport } from './payments/claim-scheduler.ts';
import { claimBuilder } from './payments/claim-transaction.ts';
import { CreditDesk } from './payments/credit-desk.ts';
import type { LedgerPort } from './payments/ledger-port.ts';
import { PushDesk } from './push/push-desk.ts';
import { ReceiptDesk } from './receipts/receipt-desk.ts';
import { GroupStore } from './store/group-store.ts';
import type { ProviderKv } from './store/kv.ts';
import type { Terms } from './terms.ts';

/** What the provider is given: everything that touches disk, network, time or chance. */
export interface ProviderDeps {
  readonly kv: ProviderKv;
  /** The provider's own node. */
  readonly node: LedgerPort & MilestoneSource & { publish(payload: Payload): Promise<string> };
  readonly checker: { milestone(bytes: Uint8Array): Promise<TrustedMilestone> };
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly verifier: Verifier;
  readonly logger: Logger;
  /** Bytes that are free on the disk of the store. */
  readonly freeBytes: () => Promise<number>;
}

export interface ProviderHealth {
  readonly healthy: boolean;
  readonly reasons: readonly string[];
}

/** Parts that one mailbox may be handed at once. */
const MAX_MAILBOX_DOWNLOADS = 8;
/** Sweep steps after one round of milestones: 64 × 256 due entries. */
const MAX_SWEEP_STEPS = 64;

export class Provider {
  readonly config: ProviderConfig;
  readonly terms: Terms;
  readonly metrics: ProviderMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly ledgerClock: LedgerClock;
  readonly challenges: Challenges;
  readonly sessions: Sessions;
  readonly mailboxes: MailboxDesk;
  readonly objects: ObjectDesk;
  readonly receipts: ReceiptDesk;
  readonly parts: PartDesk;
  /** Parts that arrive. */
  readonly uploads: Slots;
  /** Answers that leave with more than an envelope. */
  readonly downloads: Slots;
  readonly credits: CreditDesk;
  readonly channels: ChannelDesk;
  readonly offers: OfferPublisher;
  readonly claims: ClaimScheduler;
  readonly feed: Feed;
  readonly push: PushDesk;
  /** Resolves with the error that makes the process end. */
  readonly failure: Promise<Error>;
  readonly #store: GroupStore;
  readonly #sweeper: Sweeper;

  constructor(
    config: ProviderConfig,
    identity: { genesis: Genesis; keys: ProviderKeys; endpoint: string },
    deps: ProviderDeps,
  ) {
    const { node, clock, verifier, logger } = deps;
    const { promise, resolve } = Promise.withResolvers<Error>();
    const secret = apiSecretOf(identity.keys);
    const terms = termsOf(config, identity, deps.hasher);
    checkTerms(terms);
    // What the disk said is what the operator has to know.
    const store = new GroupStore(deps.kv, (stopped) =>
      resolve(stopped.cause instanceof Error ? stopped.cause : stopped),
    );
    const ledgerClock = new LedgerClock(clock, terms.times);
    const shared = { store, verifier, clock };
    this.config = config;
    this.failure = promise;
    this.terms = terms;
    this.logger = logger;
    this.clock = clock;
    this.verifier = verifier;
    this.#store = store;
    this.ledgerClock = ledgerClock;
    this.metrics = createProviderMetrics();
    const suggestedDeposit = BigInt(config.offer.suggestedDeposit);
    const { realm } = config.api;
    this.challenges = new Challenges(terms, { realm, secret, suggestedDeposit }, clock);
    this.sessions = new Sessions(terms, secret, shared);
    this.mailboxes = new MailboxDesk(store, terms, ledgerClock);
    this.objects = new ObjectDesk(store, terms, ledgerClock, verifier);
    this.receipts = new ReceiptDesk(store, terms, ledgerClock);
    const { minFreeBytes, maxUploads, maxDownloads } = config.parts;
    const room = { minFreeBytes, freeBytes: deps.freeBytes };
    this.parts = new PartDesk(store, terms, ledgerClock, room);
    this.uploads = new Slots(maxUploads, MAX_TAG_UPLOADS);
    this.downloads = new Slots(maxDownloads, MAX_MAILBOX_DOWNLOADS);
    const onDue = (dueAt: number): void => this.claims.wake(dueAt);
    const creditDeps = { store, clock: ledgerClock, ledger: node, verifier, onDue };
    this.credits = new CreditDesk(terms, creditDeps);
    const build = claimBuilder(terms, identity.genesis.params, deps.hasher);
    const claimDeps = { store, ledger: node, ledgerClock, clock, build, logger };
    this.claims = new ClaimScheduler(terms, claimDeps);
    this.channels = new ChannelDesk(terms, { ...shared, claims: this.claims });
    const publish = (payload: Payload): Promise<string> => node.publish(payload);
    this.offers = new OfferPublisher(terms, { store, ledgerClock, publish, logger });
    this.#sweeper = new Sweeper(store, terms);
    this.push = new PushDesk(store, terms, ledgerClock);
    this.feed = new Feed({
      source: node,
      sink: new Arrivals(store, terms, {
        hasher: deps.hasher,
        onNews: (news) => this.push.tell(news),
      }),
      checker: deps.checker,
      ledgerClock,
      logger,
      onProgress: () => this.#onProgress(),
      onArrivals: (counts) => this.#countArrivals(counts),
    });
    this.#watchGauges();
  }

  /** Order: the feed first brings ledger time and mail; the API is started after this. */
  start(): void {
    this.feed.start();
  }

  /** Order: the API has been closed; then the feed, then the store with what is under way. */
  async stop(): Promise<void> {
    this.claims.stop();
    await this.feed.stop();
    await this.#store.close();
  }

  health(): ProviderHealth {
    const reasons: string[] = [];
    if (this.feed.state !== 'running') reasons.push(`feed ${this.feed.state}`);
    if (!this.ledgerClock.isSynced) reasons.push('ledger lags');
    if (!this.offers.bytes) reasons.push('no offer yet');
    return { healthy: reasons.length === 0, reasons };
  }

  /** After each round of milestones: what is due, claims, the offer. */
  async #onProgress(): Promise<void> {
    for (let step = 0; step < MAX_SWEEP_STEPS; step += 1) {
      if ((await this.#sweeper.step(this.ledgerClock.time)) === 0) break;
    }
    this.#countClaims(await this.claims.tick());
    await this.offers.tick();
    await this.push.renew();
  }

  #countArrivals(counts: ArrivalCounts): void {
    for (const outcome of ARRIVAL_OUTCOMES) {
      if (counts[outcome] > 0) this.metrics.table.arrivals.inc({ outcome }, counts[outcome]);
    }
  }

  #countClaims(report: ClaimReport): void {
    const { claimsPending, channelsUnsettled, unclaimed, claimMargin } = this.metrics.table;
    claimsPending.set(report.pendingClaims);
    channelsUnsettled.set(report.unsettledChannels);
    // Below 2^53: the supply of a network is far smaller.
    unclaimed.set(Number(report.unclaimed));
    claimMargin.set(report.marginSeconds ?? Number.POSITIVE_INFINITY);
  }

  #watchGauges(): void {
    const { ledgerLag, ledgerIndex, pushSockets } = this.metrics.table;
    pushSockets.onCollect((gauge) => gauge.set(this.push.readers));
    ledgerLag.onCollect((gauge) => gauge.set(this.ledgerClock.lagSeconds()));
    ledgerIndex.onCollect((gauge) => gauge.set(this.ledgerClock.point?.index ?? 0));
  }
}

/** Settings that contradict each other are told at the start, not at the first offer or claim. */
function checkTerms({ offer, times }: Terms): void {
  const wrong = inconsistentField({ ...offer, seq: 1n, issuedAt: 0, validUntil: 1 });
  if (wrong !== undefined) {
    throw new ConfigError(`offer.${wrong} contradicts another setting of the offer`);
  }
  if (times.claimStart < times.claimAlarm) {
    throw new ConfigError('times.claimStart is below times.claimAlarm: claims would come too late');
  }
}

/** Everything that stays while the process runs, from configuration, keys and genesis. */
function termsOf(
  config: ProviderConfig,
  identity: { genesis: Genesis; keys: ProviderKeys; endpoint: string },
  hasher: Hasher,
): Terms {
  const { offer, prices, claims, times } = config;
  const { genesis, keys, endpoint } = identity;
  const networkId = networkIdOf(genesis, hasher);
  const bondId = publicKeyOf(keys.bondKey);
  const payee = addressFromBytes(hasher.blake2b256(publicKeyOf(keys.payKey)));
  const reserve = refundDeposit(genesis.params);
  const minCredit = BigInt(offer.minCredit);
  const { endpoints, minCredit: _, suggestedDeposit: __, ...limits } = offer;
  return {
    networkId,
    bondId,
    bondSecretKey: keys.bondKey,
    payee,
    payeeSecretKey: keys.payKey,
    times: { ...MARKET_TIMES, ...times },
    reserve,
    // A claim below the storage deposit of its own output could never be made.
    minCredit: minCredit > reserve ? minCredit : reserve,
    claimThreshold: BigInt(claims.threshold),
    offer: {
      networkId,
      bondId,
      payee,
      endpoints: endpoints.length > 0 ? endpoints : [endpoint],
      ...prices,
      ...limits,
      minChannel: BigInt(limits.minChannel),
      maxBalance: BigInt(limits.maxBalance),
      penaltyMin: BigInt(limits.penaltyMin),
      challengeDepositMax: BigInt(limits.challengeDepositMax),
      periods: [],
      freeBytesLog2: 0,
      flags: 0,
    },
  };
}
