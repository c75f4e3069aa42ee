/**
 * How far the vouchers of a rental's channels have come, as their provider shows it: after a
 * restore, or when another device paid. What counts is the own signature under the sum; a provider
 * can hide vouchers, but then refuses none. Before: renter.ts; after: mail io, provider.
 * Spec: docs/spec/31-channel-voucher.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import type { ClientChannel } from '@tanglemail/mail/core/market/channel-states.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Rental } from '../store/collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { RentalBook } from './rental-book.ts';

export interface VoucherRecoveryDeps {
  readonly book: RentalBook;
  readonly tangle: Pick<TangleAccess, 'networkId' | 'verifier'>;
}

type SnapshotClient = Pick<ProviderClient, 'snapshot'>;

/** Brings the record of a rental's channels up to what was signed. Throws as the provider does. */
export async function recoverVouchers(
  rental: Rental,
  client: SnapshotClient,
  deps: VoucherRecoveryDeps,
): Promise<void> {
  const { book } = deps;
  for (const { channel } of book.channels(rental)) {
    const cumulative = await heldBy(client, channel, deps);
    if (cumulative === undefined) continue;
    await book.changeChannel(rental.bondId, channel.keyIndex, (known) => ({
      ...known,
      signed: cumulative > known.signed ? cumulative : known.signed,
      acknowledged: cumulative > known.acknowledged ? cumulative : known.acknowledged,
    }));
  }
  await book.update(rental.bondId, ({ isRecovering: _done, ...present }) => present);
}

/**
 * A provider that lost its books has forgotten our vouchers, too: the next one is built on what it
 * has now. So the balance that was lost is not paid again, and the sum of all that it forgot does
 * not go beyond the greatest balance of a mailbox. A voucher below one that was signed before
 * promises nothing new. Throws as the provider does.
 */
export async function forgetVouchers(
  rental: Rental,
  client: SnapshotClient,
  deps: VoucherRecoveryDeps,
): Promise<void> {
  const { book } = deps;
  for (const { channel } of book.channels(rental)) {
    const acknowledged = await heldBy(client, channel, deps);
    if (acknowledged === undefined) continue;
    await book.changeChannel(rental.bondId, channel.keyIndex, (known) => ({
      ...known,
      acknowledged: acknowledged < known.acknowledged ? acknowledged : known.acknowledged,
    }));
  }
}

/** The total of the last voucher that a provider has; undefined where nothing can be said. */
async function heldBy(
  client: SnapshotClient,
  channel: ClientChannel,
  { book, tangle }: VoucherRecoveryDeps,
): Promise<bigint | undefined> {
  const { channelId, keyIndex, state } = channel;
  if (state !== 'open' || channelId === undefined) return undefined;
  const shown = await client
    .snapshot(channelId, book.channelSigner(channel))
    .catch((error: unknown) => {
      // It has seen no voucher of this channel.
      if (error instanceof ProviderApiError && error.status === 404) return undefined;
      throw error;
    });
  if (shown === undefined || shown.signature === '') return 0n;
  const cumulative = BigInt(shown.accepted);
  const message = voucherMessage(tangle.networkId, channelId, cumulative);
  const { publicKey } = book.channelKeys(keyIndex);
  const isOurs = tangle.verifier.verify(publicKey, message, hexToBytes(shown.signature));
  return isOurs ? cumulative : undefined;
}
