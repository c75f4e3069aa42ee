/**
 * How far the vouchers of a rental's channels have come, as their provider shows it: after a
 * restore, or when another device paid. What counts is the own signature under the sum; a provider
 * can hide vouchers, but then refuses none. Before: renter.ts; after: mail io, provider.
 * Spec: docs/spec/31-channel-voucher.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Rental } from '../store/collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { RentalBook } from './rental-book.ts';

/** Brings the record of a rental's channels up to what was signed. Throws as the provider does. */
export async function recoverVouchers(
  rental: Rental,
  client: Pick<ProviderClient, 'snapshot'>,
  deps: {
    readonly book: RentalBook;
    readonly tangle: Pick<TangleAccess, 'networkId' | 'verifier'>;
  },
): Promise<void> {
  const { book, tangle } = deps;
  for (const { channel } of book.channels(rental)) {
    const { channelId, keyIndex } = channel;
    if (channel.state !== 'open' || channelId === undefined) continue;
    const shown = await client
      .snapshot(channelId, book.channelSigner(channel))
      .catch((error: unknown) => {
        // It has seen no voucher of this channel.
        if (error instanceof ProviderApiError && error.status === 404) return undefined;
        throw error;
      });
    if (shown === undefined || shown.signature === '') continue;
    const cumulative = BigInt(shown.accepted);
    const message = voucherMessage(tangle.networkId, channelId, cumulative);
    const { publicKey } = book.channelKeys(keyIndex);
    if (!tangle.verifier.verify(publicKey, message, hexToBytes(shown.signature))) continue;
    await book.changeChannel(rental.bondId, keyIndex, (known) => ({
      ...known,
      signed: cumulative > known.signed ? cumulative : known.signed,
      acknowledged: cumulative > known.acknowledged ? cumulative : known.acknowledged,
    }));
  }
  await book.update(rental.bondId, ({ isRecovering: _done, ...present }) => present);
}
