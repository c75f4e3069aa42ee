/**
 * Which device of the account pays: vouchers of one channel must not be signed on two. A setting of
 * the self-log names it; without one it is the device that is listed first. Before:
 * rentals/renter.ts; after: device-log.ts. Spec: docs/spec/26-self-log.md, section "Values".
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import type { RentalBook } from '../rentals/rental-book.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { DeviceLog } from './device-log.ts';

/** Key of the setting. */
const PAYER = '03';

export interface PayingDeviceDeps {
  readonly log: DeviceLog;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly book: RentalBook;
}

export class PayingDevice {
  readonly #deps: PayingDeviceDeps;

  constructor(deps: PayingDeviceDeps) {
    this.#deps = deps;
  }

  /** The device that pays; one that was removed pays no more. */
  id(): string | undefined {
    const view = this.#deps.log.view();
    const value = readRegister(view, 'setting', PAYER);
    const named = value === undefined ? undefined : bytesToHex(value);
    const found = view.devices.find((one) => one.device === named) ?? view.devices[0];
    return found?.device;
  }

  isOwn(): boolean {
    return this.id() === this.#deps.log.own.id;
  }

  /**
   * From now on this device pays. Before its first voucher it asks each provider how far the other
   * one had come.
   */
  async takeOver(): Promise<void> {
    const { log, store, writes, book } = this.#deps;
    if (this.isOwn()) return;
    for (const { bondId } of book.list()) {
      await book.update(bondId, (rental) => ({ ...rental, isRecovering: true }));
    }
    await writes.run(async () => {
      const batch = store.batch();
      const value = hexToBytes(log.own.id);
      log.journal(batch, { kind: 'set', register: 'setting', key: PAYER, value });
      await batch.write();
    });
  }
}
