/**
 * Finds the mailboxes again that an account had before its disk was lost: its own last descriptor
 * names the providers, and the mailboxes' keys follow from the account's. So the words alone bring
 * back what is still stored. Before: client.ts; after: rental-book.ts, inbox/provider-sync.ts.
 * Spec: docs/spec/42-delivery.md, section "From the words alone".
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { equalBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import type { Descriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { publicBundles } from '@tanglemail/mail/core/identity/epoch.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import type { Account } from '../account/account.ts';
import type { EpochStore } from '../account/epoch-store.ts';
import type { DescriptorResolver } from '../descriptor/resolver.ts';
import type { Rental } from '../store/collections.ts';
import type { RentalBook } from './rental-book.ts';
import { hintOf, type Renter } from './renter.ts';

export interface MailboxRecallDeps {
  readonly account: Pick<Account, 'address'>;
  readonly resolver: Pick<DescriptorResolver, 'resolve'>;
  readonly book: RentalBook;
  readonly renter: Pick<Renter, 'providerAt'>;
  readonly epochs: Pick<EpochStore, 'state'>;
  readonly suite: SealingSuite;
  readonly logger: Logger;
  /** Days for which the account has mail kept, where nothing says otherwise. */
  readonly retentionDays: number;
}

export class MailboxRecall {
  readonly #deps: MailboxRecallDeps;

  constructor(deps: MailboxRecallDeps) {
    this.#deps = deps;
  }

  /**
   * Writes down which providers the account's published descriptor names and nobody here knows.
   * Must come before a new descriptor is published, which would forget them. Throws the node's
   * errors.
   */
  async note(): Promise<void> {
    const { account, resolver, book, retentionDays } = this.#deps;
    const published = await resolver.resolve(account.address);
    if (published !== undefined) this.#sayWhatIsLost(published);
    for (const { bondId: bytes, endpoint } of published?.providers ?? []) {
      const bondId = bytesToHex(bytes);
      if (book.get(bondId) !== undefined) continue;
      await book.begin(bondId, endpoint, retentionDays, { isRecovering: true });
    }
  }

  /** Fresh randomness that was mixed in before cannot be had from the words. */
  #sayWhatIsLost({ firstEpoch, bundles }: Descriptor): void {
    const { epochs, suite, logger } = this.#deps;
    const own = publicBundles(epochs.state, firstEpoch, suite, 1);
    const [first] = bundles;
    if (own.ok && first !== undefined && equalBytes(own.value[0]?.x25519 ?? NONE, first.x25519)) {
      return;
    }
    logger.warn(
      { firstEpoch },
      'letters that were sealed to secrets with fresh randomness open from a backup only',
    );
  }

  /**
   * Asks each provider that was written down whether it keeps a mailbox of ours, and takes that up.
   * Who cannot be reached is asked again at the next call. Gives how many are still to be asked.
   */
  async follow(): Promise<number> {
    const { book, logger } = this.#deps;
    let left = 0;
    for (const rental of book.list().filter(isNoted)) {
      try {
        await this.#takeUp(rental);
      } catch (error) {
        left += 1;
        logger.debug(
          { ...errorFields(error), bondId: rental.bondId },
          'a mailbox of before cannot be asked for yet',
        );
      }
    }
    return left;
  }

  async #takeUp(rental: Rental): Promise<void> {
    const { book, renter, logger } = this.#deps;
    const { bondId } = rental;
    const client = await renter.providerAt(hintOf(rental));
    try {
      const { balance, objectCount } = await client.mailbox(
        await client.login(book.mailboxKey(rental)),
      );
      const kept = { balance, storedObjects: objectCount, isActive: true };
      await book.update(bondId, (present) => ({ ...present, ...kept }));
      logger.info({ bondId, objectCount }, 'a mailbox of before was found again');
    } catch (error) {
      if (!(error instanceof ProviderApiError && error.status === 404)) throw error;
      await book.update(bondId, (present) => ({ ...present, isEnded: true }));
      logger.warn({ bondId }, 'a provider has no mailbox of this account any more');
    }
  }
}

const NONE = new Uint8Array(0);

/** Known from the descriptor only: neither rented here, nor given up. */
function isNoted({ isRecovering, isActive, isEnded }: Rental): boolean {
  return isRecovering === true && !isActive && !isEnded;
}
