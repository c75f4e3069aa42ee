/**
 * What the program has to tell its user, and nobody else could: decided from the state of the
 * account alone. A notice has a key; as long as its reason lasts it has the same one, so that it is
 * told once. Before: notice-keeper.ts. Spec: docs/spec/45-mail-programs.md §8.
 */

/** A provider that did not answer for so long is told of. */
export const AWAY_SECONDS = 86_400;
const DAY_SECONDS = 86_400;
/** Days before the end of what is paid for. */
const WARNING_DAYS = [1, 3, 14] as const;

/** A rented mailbox that the user wants. */
export interface RentalFacts {
  readonly bondId: string;
  readonly endpoint: string;
  /** Unix seconds; 0 for one that was never read. */
  readonly lastSyncAt: number;
  /** Base units: its balance, and what the open channel still holds. */
  readonly paid: bigint;
  /** Unix seconds of the open channel's end; undefined when none is open. */
  readonly channelEndsAt: number | undefined;
}

export interface NoticeFacts {
  readonly nowSeconds: number;
  readonly rentals: readonly RentalFacts[];
  /** Base units; undefined while the ledger was not read. */
  readonly walletBalance: bigint | undefined;
  /** What opens the next channel, and what a mailbox is filled up to. */
  readonly deposit: bigint;
  readonly credit: bigint;
  /** Devices of the account beside this one. */
  readonly devices: readonly { readonly id: string; readonly name: string }[];
  /** Contacts that show other keys than before. */
  readonly keyChanges: readonly {
    readonly address: string;
    readonly name: string;
    readonly atMs: number;
  }[];
  /** How this store came here, if it is not the account's first. */
  readonly restored: 'backup' | 'device' | 'words' | undefined;
  /** Mails of which nobody has heard for hours. */
  readonly lateMails: number;
}

export interface Notice {
  readonly key: string;
  readonly subject: string;
  readonly text: string;
}

/** All that is to be told now, whether it was told before or not. */
export function noticesOf(facts: NoticeFacts): Notice[] {
  const canRenew = facts.walletBalance === undefined || facts.walletBalance >= facts.deposit;
  return [
    ...facts.rentals.flatMap((one) => rentalNotices(one, facts, canRenew)),
    ...facts.devices.map(({ id, name }) => ({
      key: `device ${id}`,
      subject: `Another device belongs to your account: ${name === '' ? id.slice(0, 8) : name}`,
      text:
        'It reads and writes mail as you. If you did not link it, remove it with ' +
        `"tanglemail device remove ${id.slice(0, 8)}" and look after your words.`,
    })),
    ...facts.keyChanges.map(({ address, name, atMs }) => ({
      key: `keys ${address} ${atMs}`,
      subject: `Other keys of ${name === '' ? address : name}`,
      text:
        `${address} shows other keys than before: a new beginning, or somebody else. ` +
        'Mail to them waits until you have compared the safety number and accepted the keys.',
    })),
    ...restoredNotice(facts.restored),
    ...lateNotice(facts.lateMails),
  ];
}

function rentalNotices(rental: RentalFacts, facts: NoticeFacts, canRenew: boolean): Notice[] {
  const { bondId, endpoint, lastSyncAt, paid, channelEndsAt } = rental;
  const notices: Notice[] = [];
  if (lastSyncAt > 0 && facts.nowSeconds - lastSyncAt > AWAY_SECONDS) {
    const since = new Date(lastSyncAt * 1_000).toISOString().slice(0, 16).replace('T', ' ');
    notices.push({
      key: `away ${bondId} ${lastSyncAt}`,
      subject: 'A storage provider does not answer',
      text:
        `${endpoint} was last reached at ${since} UTC. What others wrote to you since then may ` +
        'wait there. A second provider would have it, too.',
    });
  }
  if (canRenew) return notices;
  if (paid < facts.credit) {
    notices.push({
      key: `funds ${bondId}`,
      subject: 'No funds for your mailbox',
      text:
        `The mailbox at ${endpoint} has ${paid} base units left, and the wallet cannot fill it ` +
        `up: that takes ${facts.deposit}. Mail that it cannot pay for is kept for 72 hours.`,
    });
  }
  const days = Math.ceil(((channelEndsAt ?? Infinity) - facts.nowSeconds) / DAY_SECONDS);
  const warning = WARNING_DAYS.find((one) => days <= one);
  if (warning !== undefined) {
    notices.push({
      key: `end ${bondId} ${channelEndsAt} ${warning}`,
      subject: `Your mailbox is paid for ${Math.max(days, 0)} more days`,
      text:
        `The payment channel to ${endpoint} ends then, and the wallet has not the ` +
        `${facts.deposit} base units that open the next one.`,
    });
  }
  return notices;
}

const RESTORED = {
  backup:
    'This device was restored from a backup. What came after it is fetched as far as it is kept.',
  device:
    'This device was linked to your account. Contacts, drafts and settings came from the other; ' +
    'older mails come as far as providers still have them.',
  words:
    'This account was restored from its words. Contacts, folders and older mails are not in them.',
} as const;

function restoredNotice(restored: NoticeFacts['restored']): Notice[] {
  if (restored === undefined) return [];
  return [{ key: 'restored', subject: 'Your account is here again', text: RESTORED[restored] }];
}

function lateNotice(count: number): Notice[] {
  if (count === 0) return [];
  const subject = `${count} of your mails ${count === 1 ? 'waits' : 'wait'} to be delivered`;
  const text = 'They are tried further. "tanglemail outbox" shows each of them and the reason.';
  return [{ key: 'late', subject, text }];
}
