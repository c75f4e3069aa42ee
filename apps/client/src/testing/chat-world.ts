/**
 * People who chat, in memory: each with the real intake, outbox and chat over a disk, one clock for
 * all, and in place of the tangle a list of envelopes that a spec hands out as it likes.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { decodeEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import type { Descriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { epochOf } from '@tanglemail/mail/core/identity/epoch.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { until } from '@tanglemail/tangle/io/testing/until.ts';
import type { ChatChange } from '../chat/chat-context.ts';
import { Chat } from '../chat/chat.ts';
import { Outbox } from '../outbox/outbox.ts';
import { Sealer } from '../outbox/sealer.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { descriptorOf, sealMail } from './letters.ts';
import { type Disk, memoryStore, type PowerCut, sealedMemoryStore } from './memory-store.ts';
import { NOW_MS, type Person, person, tangleWithoutNode } from './people.ts';

export interface ChatPerson {
  readonly who: Person;
  readonly chat: Chat;
  readonly outbox: Outbox;
  readonly disk: Disk;
  readonly address: MailAddress;
  readonly changes: ChatChange[];
  readonly isOff: () => boolean;
  readonly writes: () => number;
  /** Envelopes of the world that were handed out to it. */
  read: number;
}

/** Who holds an envelope back: true means that this person never gets it. */
export type Loss = (to: ChatPerson, bytes: Uint8Array) => boolean;

export class ChatWorld {
  nowMs = NOW_MS;
  /** Whether everybody's providers are in reach and watch what they are told to. */
  isWatching = true;
  /** Everything that was confirmed, in order. */
  readonly envelopes: Uint8Array[] = [];
  readonly #people = new Map<MailAddress, Person>();
  readonly #descriptors = new Map<string, Descriptor>();
  readonly #open: ChatPerson[] = [];

  /** A person on a disk: a new one, or one that goes on after a restart. */
  async open(seedByte: number, disk: Disk = new Map(), cut?: PowerCut): Promise<ChatPerson> {
    const memory = memoryStore(disk, cut);
    const tangle = this.#tangle();
    const who = await person(seedByte, sealedMemoryStore(memory.store), tangle);
    const { address } = who.account;
    this.#people.set(address, who);
    const resolver = { resolve: async (to: MailAddress) => this.#descriptor(to) };
    const sealer = new Sealer({ ...who, resolver: resolver as never, suite: nobleSuite });
    const outbox = await Outbox.load({
      ...who,
      sealers: { message: sealer, note: sealer },
      providersOf: async () => undefined,
      providerAt: () => Promise.reject(new Error('nobody has a provider here')),
      watchTags: async () => {},
      logger: SILENT_LOGGER,
      onChange: () => {},
      onWork: () => {},
    });
    const changes: ChatChange[] = [];
    const chat = await Chat.load({
      ...who,
      outbox,
      resolver,
      suite: nobleSuite,
      watchTags: async () => {},
      isWatching: () => this.isWatching,
      onChange: (change) => changes.push(change),
      logger: SILENT_LOGGER,
    });
    const { isOff, writes } = memory;
    const opened = { who, chat, outbox, disk, address, changes, isOff, writes, read: 0 };
    this.#open.push(opened);
    return opened;
  }

  /** The tangle as these people see it: what is issued is confirmed at once. */
  #tangle(): TangleAccess {
    const issuer: Partial<TangleAccess['issuer']> = {
      issue: async (payload) => {
        const blockId = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
        return { blockId: blockId as never, bytes: new Uint8Array(1), payload, powMs: 0 };
      },
      awaitConfirmation: async ({ blockId, payload }) => {
        if (payload?.kind !== 'envelope') throw new Error('only envelopes leave an outbox');
        const { bytes } = payload;
        // What is attached again after a restart is the same envelope.
        if (!this.envelopes.some((one) => Buffer.from(one).equals(bytes))) {
          this.envelopes.push(bytes);
        }
        const milestone = { header: { timestampMs: this.nowMs } };
        return { blockId, milestoneIndex: 1, milestone } as never;
      },
    };
    const access = tangleWithoutNode(() => this.nowMs);
    return Object.assign(access, { issuer: issuer as TangleAccess['issuer'] });
  }

  #descriptor(address: MailAddress): Descriptor | undefined {
    const owner = this.#people.get(address);
    if (owner === undefined) return undefined;
    const key = `${address} ${epochOf(Math.floor(this.nowMs / 1_000))}`;
    const known = this.#descriptors.get(key) ?? descriptorOf(owner, { providers: [] });
    this.#descriptors.set(key, known);
    return known;
  }

  /** Both have each other as contacts, and each has had a letter from the other. */
  async befriend(a: ChatPerson, b: ChatPerson): Promise<void> {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const nowMs = this.nowMs;
      await from.who.contacts.add(to.address, { name: to.address.slice(0, 4), nowMs });
      const descriptor = this.#descriptor(to.address);
      if (descriptor === undefined) throw new Error('nobody');
      await from.who.contacts.learnKeys(to.address, descriptor, nowMs);
      const { bytes } = await sealMail(from.who, to.who, { sealFor: descriptor });
      await to.who.intake.take(bytes);
    }
  }

  /** Lets everybody's outbox come to rest. */
  async rest(people: readonly ChatPerson[]): Promise<void> {
    for (const { outbox } of people) outbox.start();
    for (const one of people) {
      await one.chat.settle();
      await until(async () => {
        const entries = await one.outbox.list(10_000, undefined, true);
        return one.isOff() || entries.every((entry) => entry.isDone);
      });
    }
  }

  /** Hands out what a person has not had yet, in `order`; tells whether anything was new. */
  async give(
    to: ChatPerson,
    lose: Loss = () => false,
    order: (envelopes: Uint8Array[]) => Uint8Array[] = (all) => all,
  ): Promise<boolean> {
    const fresh = this.envelopes.slice(to.read);
    to.read = this.envelopes.length;
    for (const bytes of order(fresh)) {
      const envelope = decodeEnvelope(bytes);
      if (!envelope.ok || lose(to, bytes)) continue;
      const isOurs = to.who.intake.isOurs(envelope.value, Math.floor(this.nowMs / 1_000));
      if (isOurs) await to.who.intake.take(bytes);
      if (to.isOff()) return true;
    }
    return fresh.length > 0;
  }

  /** Sends and receives until nobody has anything left to say. */
  async settle(people: readonly ChatPerson[], lose?: Loss): Promise<void> {
    for (let round = 0; round < 50; round += 1) {
      await this.rest(people);
      let isBusy = false;
      for (const one of people) isBusy = (await this.give(one, lose)) || isBusy;
      if (!isBusy) return;
    }
    throw new Error('they never stop talking');
  }

  async close(): Promise<void> {
    for (const { outbox } of this.#open.splice(0)) await outbox.stop();
  }
}

/** The texts of a conversation, oldest first. */
export async function textsOf({ chat }: ChatPerson, id: string): Promise<string[]> {
  const page = await chat.log.page(id, 10_000);
  return page
    .filter((one) => one.kind === 'text')
    .map((one) => one.text)
    .toReversed();
}

/** What the client has told of a conversation, oldest first. */
export async function noticesOf({ chat }: ChatPerson, id: string): Promise<object[]> {
  const page = await chat.log.page(id, 10_000);
  const notices = page.filter((one) => one.kind === 'notice');
  return notices.map((one) => JSON.parse(one.text) as object).toReversed();
}

/** A person's conversation with another. */
export function withPerson({ address }: ChatPerson): { id: string; kind: 'person' } {
  return { id: address, kind: 'person' };
}
