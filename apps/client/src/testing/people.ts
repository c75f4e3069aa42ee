/** Two or more accounts in memory that can seal and open for each other, without a network. */
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { type Account, openAccount } from '../account/account.ts';
import { EpochStore } from '../account/epoch-store.ts';
import { ContactBook } from '../contacts/contact-book.ts';
import { OwnAddresses } from '../contacts/own-addresses.ts';
import { OwnSettings } from '../contacts/own-settings.ts';
import { LetterIntake } from '../inbox/letter-intake.ts';
import { NoteRouter } from '../inbox/note-router.ts';
import { MessageStore } from '../messages/message-store.ts';
import { epochStates } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { WriteLock } from '../store/write-lock.ts';
import { TagBook } from '../tags/tag-book.ts';
import { TagLists } from '../tags/tag-lists.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { sealedMemoryStore } from './memory-store.ts';

export const NOW_MS = 1_800_000_000_000;
const NETWORK = { networkId: 7n, name: 'test-net' };

export interface Person {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly tags: TagBook;
  readonly lists: TagLists;
  readonly contacts: ContactBook;
  readonly ownSettings: OwnSettings;
  readonly addresses: OwnAddresses;
  readonly messages: MessageStore;
  readonly intake: LetterIntake;
  readonly notes: NoteRouter;
  readonly tangle: TangleAccess;
  readonly epochs: EpochStore;
}

/** The parts of the tangle that sealing and opening use: clock, chance and signatures. */
export function tangleWithoutNode(nowMs: () => number = () => NOW_MS): TangleAccess {
  const bytes = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
  const parts: Partial<TangleAccess> = {
    networkId: NETWORK.networkId,
    hasher: nobleHasher,
    verifier: nobleVerifier,
    clock: { nowMs },
    random: { bytes, below: () => 0 },
  };
  return parts as TangleAccess;
}

/**
 * An account whose keys come from `seedByte`; `store` carries it over a restart, `tangle` connects
 * it to a node.
 */
export async function person(
  seedByte: number,
  store = sealedMemoryStore(),
  tangle = tangleWithoutNode(),
): Promise<Person> {
  const seed = new Uint8Array(64).fill(seedByte);
  const network = { ...NETWORK, networkId: tangle.networkId };
  const account = openAccount(bytesToHex(deriveAccountRoot(seed, 0)), network, nobleSuite);
  const nowSeconds = Math.floor(tangle.clock.nowMs() / 1_000);
  if (store.get(epochStates, 'epochs') === undefined) {
    const batch = store.batch();
    EpochStore.create(batch, startEpochs(deriveEpochRoot(seed, 0), nowSeconds));
    await batch.write();
  }
  const epochs = EpochStore.load(store);
  const writes = new WriteLock();
  const tags = await TagBook.load(store);
  const lists = await TagLists.load(store);
  const contacts = await ContactBook.load({ account, store, writes, tags, suite: nobleSuite });
  const onChange = (): void => {};
  const defaults = {
    profileName: '',
    stampBits: 0,
    contactsOnly: false,
    maxMail: MAX_MESSAGE_SIZE,
  };
  const ownSettings = new OwnSettings({ store, writes, defaults, onChange });
  const own = { account, store, writes, suite: nobleSuite, clock: tangle.clock, onChange };
  const addresses = await OwnAddresses.load({ ...own, settings: ownSettings });
  const messages = await MessageStore.load(store);
  const notes = new NoteRouter();
  const intake = new LetterIntake({
    account,
    store,
    writes,
    tangle,
    contacts,
    addresses,
    tags,
    messages,
    notes,
    epochs: () => epochs.state,
    suite: nobleSuite,
    logger: SILENT_LOGGER,
    onDelivered: () => {},
  });
  return {
    account,
    store,
    writes,
    tags,
    lists,
    contacts,
    ownSettings,
    addresses,
    messages,
    intake,
    notes,
    tangle,
    epochs,
  };
}
