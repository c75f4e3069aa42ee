/**
 * What notices are decided from, read from the parts of the client. Before: client.ts; after:
 * notice.ts. Spec: docs/spec/45-mail-programs.md §8.
 */
import { addressText } from '../account/account.ts';
import type { ClientParts } from '../client-parts.ts';
import { delayedAt } from '../fates/fate.ts';
import { channelRoom } from '../rentals/channel-keeper.ts';
import type { Rental } from '../store/collections.ts';
import { RESTORED, restoredNotes } from '../store/restored-note.ts';
import type { NoticeFacts, RentalFacts } from './notice.ts';

export type NoticeParts = Pick<
  ClientParts,
  'account' | 'book' | 'config' | 'contacts' | 'devices' | 'outbox' | 'store' | 'tangle' | 'wallet'
>;

/** Mails of the outbox that are looked at, the newest. */
const LOOKED_AT = 200;

export async function noticeFacts(parts: NoticeParts): Promise<NoticeFacts> {
  const { account, book, config, contacts, devices, outbox, tangle, wallet } = parts;
  const nowMs = tangle.clock.nowMs();
  const { balance } = wallet.summary();
  const mails = await outbox.list(LOOKED_AT);
  const isLate = (one: Parameters<typeof delayedAt>[0]): boolean =>
    (delayedAt(one) ?? Number.POSITIVE_INFINITY) <= nowMs;
  return {
    nowSeconds: Math.floor(nowMs / 1_000),
    rentals: book.wanted().map((rental) => rentalFacts(parts, rental)),
    walletBalance: balance === null ? undefined : BigInt(balance),
    deposit: BigInt(config.provider.deposit),
    credit: BigInt(config.provider.credit),
    devices: devices.manager
      .list(undefined)
      .filter((one) => !one.isOwn && !one.isRemoved)
      .map(({ id, name }) => ({ id, name })),
    keyChanges: contacts.list().flatMap(({ address, name, keyChange }) => {
      const { atMs } = keyChange ?? {};
      return atMs === undefined ? [] : [{ address: addressText(account, address), name, atMs }];
    }),
    restored: restoredFrom(parts),
    lateMails: mails.filter(isLate).length,
  };
}

function rentalFacts({ book }: NoticeParts, rental: Rental): RentalFacts {
  const { bondId, endpoint, lastSyncAt, balance } = rental;
  const channel = book.openChannel(rental);
  const room = channel === undefined ? 0n : channelRoom(channel);
  const channelEndsAt = channel?.expiry;
  return { bondId, endpoint, lastSyncAt, paid: BigInt(balance) + room, channelEndsAt };
}

function restoredFrom({ store }: NoticeParts): NoticeFacts['restored'] {
  const note = store.get(restoredNotes, RESTORED);
  if (note === undefined) return undefined;
  if (note.deviceName !== undefined) return 'device';
  return note.backupAtMs === undefined ? 'words' : 'backup';
}
