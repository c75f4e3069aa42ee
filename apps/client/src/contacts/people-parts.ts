/**
 * The parts that know people: contacts and what follows from them, and what the account says of
 * itself. Before: client-parts.ts; after: the files beside this one.
 */
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Clock } from '@tanglemail/tangle/core/ports.ts';
import type { Logger } from '@tanglemail/tangle/io/logger.ts';
import { type Account, addressText } from '../account/account.ts';
import type { ClientEventDto } from '../api/dto.ts';
import { MessageStore } from '../messages/message-store.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TagBook } from '../tags/tag-book.ts';
import { ContactBook } from './contact-book.ts';
import { OwnAddresses } from './own-addresses.ts';
import { OwnSettings, type Settings } from './own-settings.ts';
import { RequestSorter } from './request-sorter.ts';
import { SafetyNumbers } from './safety-numbers.ts';

export interface PeopleParts {
  readonly contacts: ContactBook;
  readonly messages: MessageStore;
  readonly requests: RequestSorter;
  readonly ownSettings: OwnSettings;
  readonly addresses: OwnAddresses;
  readonly safetyNumbers: SafetyNumbers;
}

export interface PeoplePartsDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tags: TagBook;
  readonly suite: SealingSuite;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Says that something about an account, perhaps our own, has changed. */
  readonly emit: (event: ClientEventDto) => void;
  /** Called when the descriptor should say something else. */
  readonly onOwnChange: () => void;
}

/** Loads them; `policy` is what the configuration says. */
export async function buildPeople(
  policy: Omit<Settings, 'profileName'>,
  deps: PeoplePartsDeps,
): Promise<PeopleParts> {
  const { account, store, emit, logger } = deps;
  const changed = (address: MailAddress): void => emit(contactEvent(account, address));
  const onChange = (): void => {
    changed(account.address);
    deps.onOwnChange();
  };
  const ownSettings = new OwnSettings({
    ...deps,
    defaults: { profileName: '', ...policy },
    onChange,
  });
  const addresses = await OwnAddresses.load({ ...deps, settings: ownSettings, onChange });
  let requests: RequestSorter | undefined;
  const contacts = await ContactBook.load({
    ...deps,
    onChange: (address) => {
      changed(address);
      requests?.wake();
    },
  });
  const messages = await MessageStore.load(store);
  requests = new RequestSorter({ ...deps, contacts, messages, logger });
  const safetyNumbers = new SafetyNumbers(account.keys.account.publicKey);
  return { contacts, messages, requests, ownSettings, addresses, safetyNumbers };
}

/** Something about an account has changed. */
export function contactEvent(account: Account, address: MailAddress): ClientEventDto {
  return { topic: 'contacts', data: { address: addressText(account, address) } };
}
