/** For specs: Alice's outbox against a small real node, and Bob, who takes in what arrives. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { publicKeyOf } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { SpamPolicy } from '@tanglemail/mail/core/identity/sub-address.ts';
import { signReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import { Outbox, type OutboxDeps } from '../outbox/outbox.ts';
import type { OutgoingMail } from '../outbox/outgoing.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { descriptorOf, sealersOf } from './letters.ts';
import { type Disk, memoryStore, type PowerCut, sealedMemoryStore } from './memory-store.ts';
import { type Person, person } from './people.ts';
import { SmallTangle, until } from './small-tangle.ts';

export interface Sender {
  readonly alice: Person;
  readonly outbox: Outbox;
  readonly seen: OutboxEntry[];
  readonly isOff: () => boolean;
  readonly writes: () => number;
}

export const PROVIDER = { bondId: new Uint8Array(32).fill(5), endpoint: 'http://127.0.0.1:1' };

const NO_POLICY: SpamPolicy = { stampBits: 0, contactsOnly: false };

export type SenderOptions = Partial<OutboxDeps> & {
  readonly cut?: PowerCut;
  readonly providers?: (typeof PROVIDER)[];
  /** What Bob asks of strangers. */
  readonly policy?: SpamPolicy;
};

export class OutboxBench {
  readonly tangle: SmallTangle;
  bob: Person;
  readonly open: Outbox[] = [];

  private constructor(tangle: SmallTangle, bob: Person) {
    this.tangle = tangle;
    this.bob = bob;
  }

  static async start(): Promise<OutboxBench> {
    const tangle = await SmallTangle.start();
    return new OutboxBench(tangle, await person(2, sealedMemoryStore(), tangle.access));
  }

  /** Before each test: a Bob who has nothing yet, and a network that confirms. */
  async renew(): Promise<void> {
    this.tangle.aheadMs = 0;
    this.tangle.confirmAlways();
    this.bob = await person(2, sealedMemoryStore(), this.tangle.access);
  }

  /** After each test. */
  async rest(): Promise<void> {
    for (const outbox of this.open.splice(0)) await outbox.stop();
  }

  /** Alice's outbox on a disk; mail goes to Bob, who has `providers`. */
  async sender(disk: Disk = new Map(), more: SenderOptions = {}): Promise<Sender> {
    const { cut, providers = [], policy = NO_POLICY, ...deps } = more;
    const { access } = this.tangle;
    const { store, isOff, writes } = memoryStore(disk, cut);
    const alice = await person(1, sealedMemoryStore(store), access);
    const seen: OutboxEntry[] = [];
    const outbox = await Outbox.load({
      store: alice.store,
      writes: alice.writes,
      tangle: access,
      sealers: sealersOf(alice, () => descriptorOf(this.bob, { providers, policy })),
      providerAt: async () => ({ receipt: async () => undefined }),
      providersOf: async () => undefined,
      watchTags: async () => {},
      logger: SILENT_LOGGER,
      onChange: (entry) => seen.push(entry),
      onWork: () => {},
      ...deps,
    });
    this.open.push(outbox);
    return { alice, outbox, seen, isOff, writes };
  }

  /** Takes a mail as the local service does: a copy in Sent and the entry in one batch. */
  async send(
    { alice, outbox }: Sender,
    text: string,
    more: Partial<OutgoingMail> = {},
  ): Promise<OutboxEntry> {
    const raw = new Uint8Array(Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`));
    return alice.writes.run(async () => {
      const batch = alice.store.batch();
      const copy = alice.messages.deliver(batch, {
        folder: 'Sent',
        raw,
        messageKey: `sent:${bytesToHex(sha256(raw))}`,
        receivedAtMs: this.tangle.access.clock.nowMs(),
        flags: ['\\Seen'],
        isRegistered: false,
        hasAttachments: false,
        fromName: '',
        to: '',
        subject: text,
        messageId: '',
      });
      const accept = outbox.enqueue(batch, {
        recipients: [this.bob.account.address],
        raw,
        emailId: bytesToHex(sha256(raw)),
        messageId: '',
        subject: text,
        ...more,
      });
      await batch.write();
      copy.apply();
      const [entry] = accept();
      if (entry === undefined) throw new Error('no entry');
      return entry;
    });
  }

  async allDone({ outbox }: Sender): Promise<void> {
    await until(async () => (await outbox.list(100, undefined, true)).every((one) => one.isDone));
  }

  /** Blocks so far; `received` leaves them out. */
  blocksSoFar(): Set<never> {
    return new Set(this.tangle.node.blocks.keys()) as Set<never>;
  }

  /** Subjects in the order of the alphabet, from what milestones have confirmed since `before`. */
  async received(before = new Set<never>()): Promise<string[]> {
    const { bob, tangle } = this;
    for (const bytes of tangle.confirmedEnvelopes(before)) await bob.intake.take(bytes);
    const mails = [...bob.messages.list('INBOX', 99), ...bob.messages.list('Requests', 99)];
    return mails.map((one) => one.entry.subject).toSorted();
  }

  /** A provider that signs receipts for what `has` says it stores. */
  storing(has: () => boolean, storedUntil = 4_000_000_000): OutboxDeps['providerAt'] {
    const secret = new Uint8Array(32).fill(6);
    const { networkId } = this.tangle.access;
    return async () => ({
      receipt: async (root, { size }) =>
        has()
          ? signReceipt(
              {
                networkId,
                bondId: publicKeyOf(secret),
                root: hexToBytes(root),
                size,
                until: storedUntil,
                penalty: 1n,
                challengeDeposit: 1n,
                releasePublicKey: new Uint8Array(32),
              },
              secret,
            )
          : undefined,
    });
  }
}
