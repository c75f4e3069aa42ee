/**
 * The client of one account: starts and stops its parts in a written order and keeps the recurring
 * work going. Before: api/ and cli/daemon.ts; after: client-parts.ts, service/local-service.ts.
 * Spec: docs/spec/41-client-api.md, docs/architecture.md.
 */
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import type { ApiServices } from './api/service.ts';
import { Bridge } from './bridge/bridge.ts';
import {
  buildParts,
  type ClientDeps,
  type ClientOptions,
  type ClientParts,
} from './client-parts.ts';
import { noticeFacts } from './notices/notice-facts.ts';
import { NoticeKeeper } from './notices/notice-keeper.ts';
import { Bell, pause } from './pause.ts';
import { LocalMailboxService } from './service/mailbox-service.ts';
import { Hooks } from './service/hook-service.ts';
import { FilterSearch } from './service/filter-service.ts';
import { LocalChatService } from './service/chat-service.ts';
import { LocalParcels } from './service/parcels-service.ts';
import { ClientDevices } from './service/devices-service.ts';
import { LocalPeople } from './service/people-service.ts';
import { LocalService } from './service/local-service.ts';
import { OutboxActions } from './service/outbox-actions.ts';
import { saveCheckpoint } from './tangle/ledger-checkpoint.ts';

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
/** Between two attempts at something that failed, or that is not confirmed yet. */
const RETRY_MS = 3_000;
/** Greatest rest between attempts that fail again and again. */
const LAST_RETRY_MS = 60_000;
/** Longest time between two looks at the node's milestones, while it tells of none. */
const NODE_FEED_MS = 2_000;
const DESCRIPTOR_CHECK_MS = 60_000;
const CHANNEL_CHECK_MS = 15_000;
/** So many times as long is waited while all providers tell of new mail by themselves. */
const PUSHED_POLLS = 12;
const INVITE_CHECK_MS = 3_600_000;
const CHECKPOINT_MS = 30_000;
/** Between two looks at what chat has to ask for, to answer or to delete. */
const CHAT_CHECK_MS = 60_000;
/** Between two looks at what is late. */
const FATE_CHECK_MS = 60_000;
/** Between two looks at what providers ask, of which they are asked once an hour. */
const PRICE_CHECK_MS = 60_000;
/** Between two looks for something to tell the user. */
const NOTICE_CHECK_MS = 60_000;

type Rest = (timeMs: number, signal: AbortSignal) => Promise<void>;

export class Client {
  readonly service: LocalService;
  /** What the local API calls. */
  readonly services: ApiServices;
  readonly #parts: ClientParts;
  readonly #loops: Promise<void>[] = [];
  readonly #notices: NoticeKeeper;
  #isNoticing = false;
  /** Rings for each milestone that the node tells of. */
  readonly #milestones = new Bell();
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #unsubscribe: (() => void) | undefined;

  private constructor(parts: ClientParts) {
    this.#parts = parts;
    this.service = new LocalService(parts);
    this.#notices = new NoticeKeeper({
      ...parts,
      facts: () => noticeFacts(parts),
      onNotice: () => parts.events.emit({ topic: 'mailbox', data: { changed: 'messages' } }),
    });
    const { backups, manager, link, payer } = parts.devices;
    this.services = {
      local: this.service,
      mailbox: new LocalMailboxService(parts),
      people: new LocalPeople(parts),
      outbox: new OutboxActions(parts),
      backup: backups,
      devices: new ClientDevices(manager, link, payer),
      chat: new LocalChatService(parts, this.service),
      parcels: new LocalParcels(parts),
      filters: new FilterSearch(parts),
      hooks: new Hooks(parts),
    };
  }

  /** Builds a client over an open store. Nothing runs and nothing is sent before `start`. */
  static async open(options: ClientOptions, deps: ClientDeps): Promise<Client> {
    return new Client(await buildParts(options, deps));
  }

  /**
   * Starts, in this order: wallet (money first, others wait for it), outbox, descriptor, channels,
   * mail. A node or a provider that is out of reach delays work and stops nothing.
   */
  start(): void {
    const { wallet, outbox, parcels, config, tangle, publisher, channels, store, push } =
      this.#parts;
    const { hookRunner, filterScan, fates } = this.#parts;
    wallet.start();
    fates.start();
    outbox.start();
    this.#parts.mailbox.keeper.start();
    parcels.start();
    hookRunner.start();
    this.#loops.push(this.#startDevices());
    this.#loops.push(this.#giveReceipts());
    const restOrWake: Rest = (timeMs, signal) => publisher.rest(timeMs, signal);
    this.#loop('descriptor', (signal) => this.#publishDescriptor(signal), restOrWake);
    this.#loop('channels', async () => {
      await channels.follow();
      return CHANNEL_CHECK_MS;
    });
    this.#loop('mailboxes of before', () => this.#recallMailboxes());
    this.#loop('push', async () => {
      if (config.pushFromProviders) push.follow();
      return CHANNEL_CHECK_MS;
    });
    this.#loop(
      'mail',
      () => this.#fetchMail(),
      (timeMs, signal) => push.rest(timeMs, signal),
    );
    if (config.mailFromNode) {
      const restOrMilestone: Rest = (timeMs, signal) => this.#milestones.rest(timeMs, signal);
      this.#loop('node feed', (signal) => this.#readNode(signal), restOrMilestone);
    }
    this.#loop('contacts', () => this.#tendContacts());
    if (filterScan !== undefined) {
      this.#loop('filters', async (signal) => {
        await filterScan.sync(signal);
        return config.mail.filterIntervalMs;
      });
    }
    this.#loop('epochs', () => this.#pruneEpochs());
    this.#loop('devices', () => this.#keepDevices());
    this.#loop('backups', () => this.#parts.devices.backups.runIfDue());
    this.#loop('chat', async () => {
      await this.#parts.chat.tick();
      return CHAT_CHECK_MS;
    });
    this.#loop('paid room', async () => {
      await this.#parts.paidRoom.follow();
      return PRICE_CHECK_MS;
    });
    this.#loop('notices', () => this.#tellNotices());
    this.#loop('fates', async () => {
      await fates.tick();
      return FATE_CHECK_MS;
    });
    this.#loop('ledger checkpoint', async () => {
      await saveCheckpoint(store, tangle.checkpoint());
      return CHECKPOINT_MS;
    });
    this.#unsubscribe = tangle.events.subscribe('milestones/confirmed', () => {
      wallet.wake();
      outbox.wake();
      this.#milestones.ring();
    });
  }

  /** Lets mail programs in, as the settings say. Whoever opened it closes it before `stop`. */
  async openBridge(): Promise<Bridge> {
    return Bridge.start(this.#parts, this.service);
  }

  /**
   * Stops everything at once, waits for what is under way and closes the store; what was not
   * finished goes on at the next start.
   */
  async stop(): Promise<void> {
    const { lifetime, wallet, outbox, chat, tangle, store, writes, push } = this.#parts;
    lifetime.abort(new Error('the client stops'));
    this.#unsubscribe?.();
    push.close();
    // Together: a loop may wait for a payment, which ends only when the wallet stops.
    const { parcels, devices, hookRunner, fates } = this.#parts;
    const ends = [wallet.stop(), outbox.stop(), chat.settle(), parcels.stop()];
    ends.push(fates.stop(), hookRunner.stop(), devices.manager.stop(), devices.tags.stop());
    ends.push(devices.link.stop(), this.service.settle());
    await Promise.allSettled([...ends, ...this.#loops]);
    await saveCheckpoint(store, tangle.checkpoint());
    await tangle.close();
    await writes.run(async () => {});
    await this.#parts.mailbox.keeper.stop();
    await store.close();
  }

  /** Runs `work` again and again; it returns how long to rest. A failure is logged and retried. */
  #loop(name: string, work: (signal: AbortSignal) => Promise<number>, rest: Rest = pause): void {
    const { signal } = this.#parts.lifetime;
    const run = async (): Promise<void> => {
      for (let failures = 0; !signal.aborted;) {
        let restMs = Math.min(RETRY_MS * 2 ** Math.min(failures, 10), LAST_RETRY_MS);
        try {
          restMs = await work(signal);
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          failures += 1;
          this.#parts.logger.debug({ ...errorFields(error), loop: name }, 'trying again later');
        }
        await rest(restMs, signal);
      }
    };
    this.#loops.push(run());
  }

  async #startDevices(): Promise<void> {
    const { devices, logger } = this.#parts;
    await devices.manager.start().catch((error: unknown) => {
      logger.warn(errorFields(error), 'changes of other devices wait for the next start');
    });
  }

  /** Read receipts that a crash left; after a failure they wait for the next start. */
  async #giveReceipts(): Promise<void> {
    const { receipts, logger } = this.#parts;
    await receipts.start().catch((error: unknown) => {
      logger.warn(errorFields(error), 'read receipts wait for the next start');
    });
  }

  /** Begins when the first descriptor was looked for, and ends with the last provider's answer. */
  async #recallMailboxes(): Promise<number> {
    const { publisher, recall } = this.#parts;
    if (publisher.status().state === 'none') return RETRY_MS;
    return (await recall.follow()) === 0 ? DAY_MS : LAST_RETRY_MS;
  }

  async #publishDescriptor(signal: AbortSignal): Promise<number> {
    const { publisher } = this.#parts;
    // An account that comes back from its words must not forget its mailboxes by that.
    if (publisher.status().state === 'none') await this.#parts.recall.note();
    await publisher.publishIfDue(signal);
    if (publisher.isCurrent()) await this.#parts.devices.manager.descriptorIsOut();
    return publisher.status().state === 'confirmed' ? DESCRIPTOR_CHECK_MS : RETRY_MS;
  }

  /** Looks where mail was announced, and everywhere when its time has come. */
  async #fetchMail(): Promise<number> {
    const { push, config, tangle } = this.#parts;
    const hinted = push.takeHints();
    const restMs = push.coversAll ? config.pollIntervalMs * PUSHED_POLLS : config.pollIntervalMs;
    const nowMs = tangle.clock.nowMs();
    const isDue = nowMs - this.#polledAtMs >= restMs;
    if (isDue) {
      this.#polledAtMs = nowMs;
      await this.service.sync();
    } else if (hinted.size > 0) await this.service.sync(hinted);
    return Math.max(0, this.#polledAtMs + restMs - tangle.clock.nowMs());
  }

  /** Moves what a crash left in Requests, and ends invites whose time is over. */
  async #tendContacts(): Promise<number> {
    const { requests, contacts, providerSync, tangle } = this.#parts;
    await requests.settle();
    const ended = await contacts.invites.expire(tangle.clock.nowMs());
    if (ended > 0) await providerSync.watchTags();
    return INVITE_CHECK_MS;
  }

  async #readNode(signal: AbortSignal): Promise<number> {
    await this.#parts.nodeFeed.sync(signal);
    return NODE_FEED_MS;
  }

  /**
   * Deletes secrets of epochs that no letter which is still under way can need: what was fetched
   * from every mailbox, and read from the node, decides.
   */
  async #pruneEpochs(): Promise<number> {
    const { tangle, epochs, book, nodeFeed, filterScan, publisher, config, devices } = this.#parts;
    // After a restore from the words only the descriptor of before says what senders have used.
    if (publisher.status().state === 'none') return RETRY_MS;
    // One that is still looked for after a restore counts too: nothing of it was fetched yet.
    const rented = book.list().filter((one) => one.isActive || !one.isEnded);
    const fetchedAt = rented.map((one) => one.lastSyncAt);
    const readAt = [
      ...(config.mailFromNode ? [nodeFeed.caughtUpAt ?? 0] : []),
      ...(filterScan === undefined ? [] : [filterScan.caughtUpAt ?? 0]),
    ];
    const facts = {
      now: Math.floor(tangle.clock.nowMs() / 1_000),
      fetchedAt: [...fetchedAt, ...readAt],
      leaseSeconds: Math.max(0, ...rented.map((one) => one.retentionDays)) * DAY_SECONDS,
      oldestLastEpoch: publisher.oldestLastEpoch(),
    };
    await epochs.prune(facts);
    await devices.manager.forget(facts);
    return DAY_MS;
  }

  /** The first look comes late: at the start no provider was asked yet. */
  async #tellNotices(): Promise<number> {
    if (this.#isNoticing) await this.#notices.look();
    this.#isNoticing = true;
    return NOTICE_CHECK_MS;
  }

  /** Fresh randomness when it is time, and what the devices tell each other daily. */
  async #keepDevices(): Promise<number> {
    await this.#parts.devices.manager.keep(this.#parts.secrets.createdAt);
    return DAY_MS;
  }
}
