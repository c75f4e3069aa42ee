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
import { counters, type Rental, rentals } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

export interface RentalBookDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
}

const CHANNEL_COUNTER = 'channel';

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

  /** Providers that the descriptor names. */
  hints(): ProviderHint[] {
    const active = this.list().filter((one) => one.isActive);
    return active.map(({ bondId, endpoint }) => ({ bondId: hexToBytes(bondId), endpoint }));
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
  async begin(bondId: string, endpoint: string, retentionDays: number): Promise<Rental> {
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
        channels: [],
        isActive: false,
      });
    });
  }

  async #write(rental: Rental): Promise<Rental> {
    await this.#deps.store.batch().put(rentals, rental.bondId, rental).write();
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
  channels(rental: Rental): { channel: ClientChannel; refundAddress: string }[] {
    return rental.channels.map(({ channel, refundAddress }) => ({
      channel: channelFromJson(channel),
      refundAddress,
    }));
  }

  /** The channel that vouchers are signed for: the newest one that is open. */
  openChannel(rental: Rental): ClientChannel | undefined {
    return this.channels(rental).findLast((one) => one.channel.state === 'open')?.channel;
  }

  /** Writes one channel's record, found by its key index; a new one is added. */
  async saveChannel(
    bondId: string,
    channel: ClientChannel,
    refundAddress?: string,
  ): Promise<Rental> {
    return this.update(bondId, (rental) => {
      const known = this.channels(rental);
      const at = known.findIndex((one) => one.channel.keyIndex === channel.keyIndex);
      const address = refundAddress ?? known[at]?.refundAddress ?? '';
      const record = { channel: channelToJson(channel), refundAddress: address };
      const kept = rental.channels.slice(at < 0 ? -63 : 0);
      return {
        ...rental,
        channels: at < 0 ? [...kept, record] : kept.with(at, record),
      };
    });
  }

  /** What pays at a provider; undefined while no channel is open. */
  purse(bondId: string): ChannelPurse | undefined {
    const rental = this.#byBond.get(bondId);
    const first = rental && this.openChannel(rental);
    if (first === undefined) return undefined;
    const { secretKey, publicKey } = this.channelKeys(first.keyIndex);
    let present = first;
    return {
      payerPublicKey: publicKey,
      channel: () => present,
      save: async (channel) => {
        present = channel;
        await this.saveChannel(bondId, channel);
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
