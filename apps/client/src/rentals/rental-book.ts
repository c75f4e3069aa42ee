/**
 * What this account holds at each storage provider: mailbox, channels, how far the log was read.
 * Before: renter.ts and inbox; after: store. Spec: docs/spec/40-client-store.md.
 */
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { channelKey, mailboxKey } from '@tanglemail/mail/core/identity/keys.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import type { ClientChannel } from '@tanglemail/mail/core/market/channel-states.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import type { KeyPair } from '@tanglemail/mail/core/ports.ts';
import { channelFromJson, channelToJson } from '@tanglemail/mail/io/provider/channel-json.ts';
import type { SigningKey } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { ChannelPurse } from '@tanglemail/mail/io/provider/purse.ts';
import type { Account } from '../account/account.ts';
import { ClientError } from '../client-error.ts';
import { CHANNEL_COUNTER, counters, type Rental, rentals } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

export interface RentalBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
}

/** Channels that are kept on record; those that are over make room first. */
const MAX_CHANNELS = 64;

/** One channel, where a rest goes, and when it was planned. */
export interface ChannelRecord {
  readonly channel: ClientChannel;
  readonly refundAddress: string;
  readonly createdAtMs: number;
}

export class RentalBook {
  readonly #deps: RentalBookDeps;
  readonly #byBond = new Map<string, Rental>();

  private constructor(deps: RentalBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: RentalBookDeps): Promise<RentalBook> {
    const book = new RentalBook(deps);
    for await (const { value } of deps.store.scan(rentals)) book.#byBond.set(value.bondId, value);
    return book;
  }

  get(bondId: string): Rental | undefined {
    return this.#byBond.get(bondId);
  }

  list(): Rental[] {
    return [...this.#byBond.values()];
  }

  /** Rentals that the user wants. */
  wanted(): Rental[] {
    return this.list().filter((one) => one.isActive && !one.isEnded);
  }

  /** Providers that the descriptor may name: those that know our tags. */
  hints(): ProviderHint[] {
    const ready = this.wanted().filter((one) => {
      return one.hasBucket || Object.keys(one.registered).length > 0;
    });
    return ready.map(({ bondId, endpoint }) => ({ bondId: hexToBytes(bondId), endpoint }));
  }

  /** Changes a record under the write lock; the change sees the newest one. */
  async update(bondId: string, change: (rental: Rental) => Rental): Promise<Rental> {
    return this.#deps.writes.run(async () => {
      const known = this.#byBond.get(bondId);
      if (known === undefined) throw new Error('broken invariant: the rental exists');
      return this.#write(change(known));
    });
  }

  /** A first record for a provider; one that is there already stays. */
  async begin(
    bondId: string,
    endpoint: string,
    retentionDays: number,
    more: Pick<Rental, 'isRecovering'> = {},
  ): Promise<Rental> {
    return this.#deps.writes.run(async () => {
      const known = this.#byBond.get(bondId);
      if (known !== undefined) return this.#write({ ...known, endpoint, retentionDays });
      const mailboxIndex = 0;
      const { publicKey } = this.#mailboxKeys(bondId, mailboxIndex);
      return this.#write({
        bondId,
        endpoint,
        mailboxId: mailboxIdOf(publicKey),
        mailboxIndex,
        retentionDays,
        balance: '0',
        credited: '0',
        log: { length: 0, hash: '00'.repeat(32) },
        registered: {},
        hasBucket: false,
        storedObjects: 0,
        lastSyncAt: 0,
        pending: [],
        channels: [],
        isActive: false,
        isEnded: false,
        ...more,
      });
    });
  }

  async #write(rental: Rental): Promise<Rental> {
    const { store } = this.#deps;
    await store.batch().put(rentals, store.opaque(rental.bondId), rental).write();
    this.#byBond.set(rental.bondId, rental);
    return rental;
  }

  /** The number of the next channel key; used once, whatever becomes of the channel. */
  async nextChannelIndex(): Promise<number> {
    return this.#deps.writes.run(async () => {
      const next = this.#deps.store.get(counters, CHANNEL_COUNTER)?.next ?? 0;
      await this.#deps.store
        .batch()
        .put(counters, CHANNEL_COUNTER, { next: next + 1 })
        .write();
      return next;
    });
  }

  channelKeys(index: number): KeyPair {
    return channelKey(this.#deps.account.keys, index);
  }

  /** All channels of a rental, newest last. */
  channels(rental: Rental): ChannelRecord[] {
    return rental.channels.map((one) => ({ ...one, channel: channelFromJson(one.channel) }));
  }

  /** The newest channel that is open. */
  openChannel(rental: Rental): ClientChannel | undefined {
    return this.channels(rental).findLast((one) => one.channel.state === 'open')?.channel;
  }

  /** Adds a channel, or replaces the one with its key. Throws `channel-not-ready` without room. */
  async putChannel(bondId: string, record: ChannelRecord): Promise<Rental> {
    return this.update(bondId, (rental) => {
      const known = this.channels(rental);
      const { keyIndex } = record.channel;
      const at = known.findIndex((one) => isKey(one, keyIndex));
      const channels = at < 0 ? [...withRoom(known), record] : known.with(at, record);
      return { ...rental, channels: channels.map(toStored) };
    });
  }

  /** Changes the newest record of a channel under the write lock. */
  async changeChannel(
    bondId: string,
    keyIndex: number,
    change: (channel: ClientChannel) => ClientChannel,
  ): Promise<Rental> {
    return this.update(bondId, (rental) => {
      const records = this.channels(rental);
      const at = records.findIndex((one) => isKey(one, keyIndex));
      const found = records[at];
      if (found === undefined) return rental;
      const changed = records.with(at, { ...found, channel: change(found.channel) });
      return { ...rental, channels: changed.map(toStored) };
    });
  }

  /** What pays from a channel. Payments at the same time see each other's vouchers. */
  purse(bondId: string, keyIndex: number): ChannelPurse {
    const { secretKey, publicKey } = this.channelKeys(keyIndex);
    const present = (): ClientChannel => {
      const rental = this.#byBond.get(bondId);
      const found = rental && this.channels(rental).find((one) => isKey(one, keyIndex));
      if (found === undefined) throw new Error('broken invariant: a channel that pays is known');
      return found.channel;
    };
    return {
      payerPublicKey: publicKey,
      channel: present,
      save: async ({ signed, acknowledged }) => {
        await this.changeChannel(bondId, keyIndex, (known) => {
          // What was promised once stays promised, whoever saves last.
          const most = signed > known.signed ? signed : known.signed;
          const seen = acknowledged > known.acknowledged ? acknowledged : known.acknowledged;
          return { ...known, signed: most, acknowledged: seen };
        });
      },
      sign: (message) => signEd25519(secretKey, message),
    };
  }

  /** The key that logs in to the mailbox. */
  mailboxKey(rental: Rental): SigningKey {
    const { secretKey, publicKey } = this.#mailboxKeys(rental.bondId, rental.mailboxIndex);
    return { publicKey, sign: (message) => signEd25519(secretKey, message) };
  }

  /** The key that closes a channel. */
  channelSigner(channel: ClientChannel): SigningKey {
    const { secretKey, publicKey } = this.channelKeys(channel.keyIndex);
    return { publicKey, sign: (message) => signEd25519(secretKey, message) };
  }

  #mailboxKeys(bondId: string, index: number): KeyPair {
    return mailboxKey(this.#deps.account.keys, hexToBytes(bondId), index);
  }
}

function isKey({ channel }: ChannelRecord, keyIndex: number): boolean {
  return channel.keyIndex === keyIndex;
}

function toStored(record: ChannelRecord): Rental['channels'][number] {
  return { ...record, channel: channelToJson(record.channel) };
}

/** The records without an old one that is over, when there are too many. */
function withRoom(records: readonly ChannelRecord[]): ChannelRecord[] {
  if (records.length < MAX_CHANNELS) return [...records];
  const over = records.findIndex(({ channel: { state } }) =>
    ['closed', 'refunded'].includes(state),
  );
  if (over < 0) throw new ClientError('channel-not-ready', 'too many channels are open');
  return records.toSpliced(over, 1);
}
