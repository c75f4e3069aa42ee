/**
 * What the account says of itself in the self-log: its name, whom it hears at what price, and its
 * sub-addresses. Before: contacts/own-settings.ts, contacts/own-addresses.ts; after: the other
 * devices. Spec: docs/spec/26-self-log.md, section "Values".
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  isKind,
  type Operation,
  type OperationBody,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import type { OwnAddresses } from '../contacts/own-addresses.ts';
import type { OwnSettings } from '../contacts/own-settings.ts';
import { count } from '../store/collections.ts';
import {
  type OwnSettings as Changed,
  ownSettings,
  type SubAddressRecord,
  subAddresses,
} from '../store/people-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { readJson, setJson, textKey, textOfKey } from './log-values.ts';

/** Each setting is a register of its own: changing one takes nothing back of another. */
const REGISTERS = [
  { field: 'profileName', register: 'profile', key: textKey('name') },
  { field: 'stampBits', register: 'setting', key: textKey('stamp-bits') },
  { field: 'contactsOnly', register: 'setting', key: textKey('contacts-only') },
  { field: 'maxMail', register: 'setting', key: textKey('max-mail') },
] as const;

/** First byte of a key of register `sub-address`: what the label is, or that a key of it ended. */
const LIVE = '00';
const ENDED = '01';

export class OwnLog {
  readonly #log: DeviceLog;
  readonly #settings: OwnSettings;
  readonly #addresses: OwnAddresses;

  constructor(log: DeviceLog, settings: OwnSettings, addresses: OwnAddresses) {
    this.#log = log;
    this.#settings = settings;
    this.#addresses = addresses;
    settings.observe((batch, { origin, before, after }) => {
      if (origin === 'local') this.#journalSettings(batch, before, after);
    });
    addresses.observe((batch, { origin, before, after }) => {
      if (origin === 'local') this.#journalAddress(batch, before, after);
    });
  }

  /** What the log does not know yet: changes of before the first device was made. */
  journalAll(batch: SealedBatch): void {
    const view = this.#log.view();
    const changed = this.#settings.changed();
    const known = REGISTERS.filter((one) => readRegister(view, one.register, one.key));
    const same = Object.fromEntries(known.map(({ field }) => [field, changed[field]]));
    this.#journalSettings(batch, same, changed);
    for (const record of this.#addresses.list()) {
      const live = readRegister(view, 'sub-address', `${LIVE}${textKey(record.label)}`);
      if (live === undefined) this.#journalAddress(batch, undefined, record);
    }
  }

  #journalSettings(batch: SealedBatch, before: Changed, after: Changed): void {
    const bodies = REGISTERS.flatMap(({ field, register, key }): OperationBody[] => {
      if (before[field] === after[field] || after[field] === undefined) return [];
      return [setJson(register, key, after[field]) ?? []].flat();
    });
    if (bodies.length > 0) this.#log.journal(batch, ...bodies);
  }

  #journalAddress(
    batch: SealedBatch,
    before: SubAddressRecord | undefined,
    after: SubAddressRecord,
  ): void {
    const { revokedAtMs, ...live } = after;
    const bodies: (OperationBody | undefined)[] = [];
    const { revokedAtMs: _revoked, ...was } = before ?? {};
    if (JSON.stringify(was) !== JSON.stringify(live)) {
      bodies.push(setJson('sub-address', `${LIVE}${textKey(after.label)}`, live));
    }
    if (revokedAtMs !== undefined && before?.revokedAtMs === undefined) {
      bodies.push(setJson('sub-address', endKey(after), revokedAtMs));
    }
    const whole = bodies.filter((one) => one !== undefined);
    if (whole.length > 0) this.#log.journal(batch, ...whole);
  }

  /** Puts what operations of other devices mean for the account itself into the batch. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    let isSetting = false;
    const labels = new Set<string>();
    for (const one of operations) {
      if (!isKind(one, 'set')) continue;
      const { register, key } = one.body;
      isSetting ||= register === 'setting' || register === 'profile';
      if (register !== 'sub-address') continue;
      // Behind the first byte stands the label, or a generation (4 bytes) and the label.
      labels.add(textOfKey(key.slice(key.startsWith(LIVE) ? 2 : 10)));
    }
    if (isSetting) this.#applySettings(batch);
    return [...labels].flatMap((label) => this.#applyAddress(batch, label));
  }

  #applySettings(batch: SealedBatch): void {
    const view = this.#log.view();
    const after = { ...this.#settings.changed() };
    for (const { field, register, key } of REGISTERS) {
      const parse = (value: unknown): Changed => ownSettings.schema.parse({ [field]: value });
      Object.assign(after, readJson(readRegister(view, register, key), { parse }));
    }
    const isSame = REGISTERS.every(({ field }) => after[field] === this.#settings.changed()[field]);
    if (!isSame) this.#settings.put(batch, after, 'remote');
  }

  #applyAddress(batch: SealedBatch, label: string): (() => void)[] {
    const view = this.#log.view();
    const value = readRegister(view, 'sub-address', `${LIVE}${textKey(label)}`);
    const live = readJson(value, subAddresses.schema);
    if (live === undefined || live.label !== label) return [];
    const { revokedAtMs: _none, ...rest } = live;
    const end = readJson(readRegister(view, 'sub-address', endKey(live)), count);
    const after: SubAddressRecord = end === undefined ? rest : { ...rest, revokedAtMs: end };
    const known = this.#addresses.list().find((one) => one.label === label);
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(after)) return [];
    return [this.#addresses.putRemote(batch, after)];
  }
}

/** The register by which one key of a label ends for ever, whatever is said of the label later. */
function endKey({ generation, label }: Pick<SubAddressRecord, 'generation' | 'label'>): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, generation % 2 ** 32);
  return `${ENDED}${bytesToHex(bytes)}${textKey(label)}`;
}
