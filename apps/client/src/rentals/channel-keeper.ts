/**
 * The account's channels on the ledger: opens one when a payment needs it, finds one again whose
 * opening was interrupted, follows what becomes of each, and takes the deposit back when nobody
 * claimed it in time. Before: renter.ts, client.ts; after: wallet, mail io, open-channel.ts.
 * Spec: docs/spec/31-channel-voucher.md.
 */
import { refundDeposit } from '@tanglemail/tangle/core/block/deposit.ts';
import { type Address, parseAddress } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput } from '@tanglemail/tangle/core/codec/output.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { equalBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import {
  type ClientChannel,
  stepClientChannel,
} from '@tanglemail/mail/core/market/channel-states.ts';
import { MARKET_TIMES } from '@tanglemail/mail/core/market/constants.ts';
import type { Offer } from '@tanglemail/mail/core/market/offer.ts';
import { claimableMax } from '@tanglemail/mail/core/market/voucher-rules.ts';
import { type ChannelFunder, openChannel } from '@tanglemail/mail/io/provider/open-channel.ts';
import { ClientError } from '../client-error.ts';
import { WriteLock } from '../store/write-lock.ts';
import { provenSpendTime, type TangleAccess } from '../tangle/tangle-access.ts';
import type { ChannelRecord, RentalBook } from './rental-book.ts';

/** What channels need of the wallet. */
export interface ChannelWallet extends ChannelFunder {
  /** A fresh address for what comes back. */
  refundAddress(): Address;
  /** Whether a payment into a channel with this refund address is still under way. */
  isFunding(refundAddress: Address): boolean;
  /** Whether a payment that spends this output is still under way. */
  isSpending(outputId: OutputId): boolean;
  /** Takes the deposit of an expired channel back; resolves when a milestone has applied it. */
  refundChannel(channel: {
    readonly channelId: OutputId;
    readonly output: ChannelOutput;
  }): Promise<TransactionId>;
}

export interface ChannelKeeperDeps {
  readonly tangle: Pick<TangleAccess, 'node' | 'checker' | 'clock' | 'params' | 'hasher'>;
  readonly book: RentalBook;
  readonly wallet: ChannelWallet;
  readonly logger: Logger;
}

/** What a payment wants of a channel. Amounts in base units. */
export interface ChannelWish {
  readonly wanted: bigint;
  /** What the vouchers of a new channel may total, at least. */
  readonly deposit: bigint;
  /** The provider's offer as the tangle has it; asked for only when a channel must be opened. */
  readonly offer: () => Offer | Promise<Offer>;
}

/** Vouchers are taken until `expiry − sellStop`; an hour more for what is being paid just then. */
const LAST_USE_SECONDS = MARKET_TIMES.sellStop + 3_600;
/** A channel of a short life is used for most of it: it must not be replaced at every payment. */
const LEAST_USED_PART = 0.75;

export class ChannelKeeper {
  readonly #deps: ChannelKeeperDeps;
  /** Channels are opened one after another: two callers must not both find none. */
  readonly #opening = new WriteLock();

  constructor(deps: ChannelKeeperDeps) {
    this.#deps = deps;
  }

  /**
   * An open channel with room for vouchers, if not for all that is wanted; opens one when there is
   * none. Throws `channel-not-ready` while the deposit of one is on its way, `channel-too-small`,
   * and what wallet and node throw.
   */
  ensure(bondId: string, wish: ChannelWish): Promise<ClientChannel> {
    return this.#opening.run(async () => {
      await this.#recover(bondId);
      return this.#usable(bondId, wish.wanted) ?? (await this.#open(bondId, wish));
    });
  }

  /** A rest of less than a tenth of what is wanted is not worth a payment: it comes back. */
  #usable(bondId: string, wanted: bigint): ClientChannel | undefined {
    const { book, tangle } = this.#deps;
    const rental = book.get(bondId);
    const nowSeconds = Math.floor(tangle.clock.nowMs() / 1_000);
    const usable = (rental === undefined ? [] : book.channels(rental)).filter((record) => {
      const room = channelRoom(record.channel);
      const isOpen = record.channel.state === 'open' && nowSeconds < lastUse(record);
      return isOpen && room > 0n && room * 10n >= wanted;
    });
    return usable.at(-1)?.channel;
  }

  async #open(bondId: string, wish: ChannelWish): Promise<ClientChannel> {
    const { book, wallet, tangle } = this.#deps;
    const offer = await wish.offer();
    const { keyIndex, refundAddress } = this.#spare(bondId) ?? {
      keyIndex: await book.nextChannelIndex(),
      refundAddress: wallet.refundAddress(),
    };
    const createdAtMs = tangle.clock.nowMs();
    const reserve = refundDeposit(tangle.params);
    const spendable = [wish.deposit, offer.minChannel - reserve].reduce(greatest);
    const opened = await openChannel(
      {
        offer,
        payerPublicKey: book.channelKeys(keyIndex).publicKey,
        keyIndex,
        refundAddress,
        spendable,
        reserve,
        ledgerTime: Math.floor(createdAtMs / 1_000),
      },
      wallet,
      async (channel) => {
        await book.putChannel(bondId, { channel, refundAddress, createdAtMs });
      },
    );
    if (opened.ok) return opened.value;
    const isSmall = opened.code === 'channel-too-small';
    throw new ClientError(isSmall ? 'channel-too-small' : 'provider-refused', opened.detail);
  }

  /** Keys of a channel that was planned and never paid: attempts that fail use up no keys. */
  #spare(bondId: string): { keyIndex: number; refundAddress: Address } | undefined {
    const { book } = this.#deps;
    const rental = book.get(bondId);
    const spare = rental && book.channels(rental).find((one) => one.channel.state === 'draft');
    const refundAddress = spare && parseAddress(spare.refundAddress);
    return refundAddress && { keyIndex: spare.channel.keyIndex, refundAddress };
  }

  /**
   * A channel whose opening was interrupted is found again on the ledger by its refund address. One
   * that is neither there nor being paid was never sent.
   */
  async #recover(bondId: string): Promise<void> {
    const { book, wallet } = this.#deps;
    const rental = book.get(bondId);
    for (const { channel, refundAddress } of rental === undefined ? [] : book.channels(rental)) {
      if (channel.state !== 'draft') continue;
      const address = parseAddress(refundAddress);
      // First the wallet, then the ledger: what leaves the one is in the other by then.
      const isFunding = address !== undefined && wallet.isFunding(address);
      const found = address && (await this.#findOutput(channel, address));
      if (found === undefined && isFunding) {
        throw new ClientError('channel-not-ready', 'its deposit is on its way');
      }
      if (found === undefined) continue;
      await book.changeChannel(bondId, channel.keyIndex, (known) => {
        const sent = stepClientChannel(known, { kind: 'sent', channelId: found });
        return stepClientChannel(sent, { kind: 'confirmed' });
      });
    }
  }

  async #findOutput(channel: ClientChannel, address: Address): Promise<OutputId | undefined> {
    const { book, tangle } = this.#deps;
    const { publicKey } = book.channelKeys(channel.keyIndex);
    for await (const id of tangle.node.outputs({ kind: 'channel', refundAddress: address })) {
      const output = await this.#provenOutput(id);
      if (output !== undefined && equalBytes(output.payerPublicKey, publicKey)) return id;
    }
    return undefined;
  }

  /** The unspent channel output, proven. */
  async #provenOutput(id: OutputId): Promise<ChannelOutput | undefined> {
    const { node, checker } = this.#deps.tangle;
    const { output } = await checker.unspent(id, await node.outputProof(id));
    return output.kind === 'channel' ? output : undefined;
  }

  /**
   * Looks at every channel that holds money: notes claims and refunds that milestones have applied,
   * and refunds what expired unclaimed. One that cannot be looked at now is left for the next time.
   */
  async follow(): Promise<void> {
    const { book, tangle, logger } = this.#deps;
    const latest = await tangle.checker.milestone(await tangle.node.milestone('latest'));
    const ledgerTime = Math.floor(latest.header.timestampMs / 1_000);
    for (const rental of book.list()) {
      for (const record of book.channels(rental).filter(isWatched)) {
        await this.#followOne(rental.bondId, record, ledgerTime).catch((error: unknown) => {
          logger.debug(errorFields(error), 'a channel cannot be looked at now');
        });
      }
    }
  }

  async #followOne(bondId: string, record: ChannelRecord, ledgerTime: number): Promise<void> {
    const { book, tangle } = this.#deps;
    const { keyIndex, channelId, expiry } = record.channel;
    if (channelId === undefined) return;
    const spentAt = await provenSpendTime(tangle, channelId);
    if (spentAt === undefined) {
      if (ledgerTime < expiry) return;
      await book.changeChannel(bondId, keyIndex, (known) =>
        stepClientChannel(known, { kind: 'clock', ledgerTime }),
      );
      await this.#refund(bondId, record);
      return;
    }
    // The ledger takes claims before the expiry only, and refunds from then on.
    const kind = spentAt >= expiry ? 'refund-confirmed' : 'claim-confirmed';
    await book.changeChannel(bondId, keyIndex, (known) => stepClientChannel(known, { kind }));
  }

  async #refund(bondId: string, { channel }: ChannelRecord): Promise<void> {
    const { book, wallet } = this.#deps;
    const { channelId, keyIndex } = channel;
    if (channelId === undefined || wallet.isSpending(channelId)) return;
    const output = await this.#provenOutput(channelId);
    if (output === undefined) return;
    await wallet.refundChannel({ channelId, output });
    await book.changeChannel(bondId, keyIndex, (known) =>
      stepClientChannel(known, { kind: 'refund-confirmed' }),
    );
  }
}

/** Room that is left for vouchers, base units. */
export function channelRoom(channel: ClientChannel): bigint {
  return claimableMax(channel) - channel.signed;
}

/** Unix seconds from which a channel is not paid from any more. */
function lastUse({ channel, createdAtMs }: ChannelRecord): number {
  const lifeSeconds = channel.expiry - createdAtMs / 1_000;
  return channel.expiry - Math.min(LAST_USE_SECONDS, lifeSeconds * (1 - LEAST_USED_PART));
}

function isWatched({ channel }: ChannelRecord): boolean {
  return ['open', 'closing', 'expired'].includes(channel.state);
}

function greatest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
