/** Copies of what was sent that no operation carries, while nobody else keeps them. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { FOLDER } from '../messages/folder-name.ts';
import type { Disk } from '../testing/memory-store.ts';
import { linkedDisk, meet, openOwnDevice, type OwnDevice } from '../testing/own-devices.ts';
import { NOW_MS } from '../testing/people.ts';
import { decodeSentCopy, encodeFar, encodeWhole, isFar } from './sent-copy-value.ts';

const TEST_MS = 60_000;
const DAY_MS = 86_400_000;
const KEY = `sent:${'0b'.repeat(16)}`;
const RAW = utf8ToBytes(`Subject: Long\r\nTo: a@tangle.alt\r\n\r\n${'long '.repeat(5_000)}`);
const open: OwnDevice[] = [];
let nowMs = NOW_MS;

afterEach(async () => {
  for (const one of open.splice(0)) await one.manager.stop();
  nowMs = NOW_MS;
});

async function device(disk: Disk = new Map()): Promise<OwnDevice> {
  const one = await openOwnDevice({ disk, nowMs: () => nowMs });
  open.push(one);
  return one;
}

async function twoDevices(): Promise<[OwnDevice, OwnDevice]> {
  const first = await device();
  const second = await device(await linkedDisk(first));
  await meet(first, second);
  return [first, second];
}

/** Puts the message into a folder, as sending and receiving do. */
async function put(one: OwnDevice, folder: 'Sent' | 'INBOX', messageKey: string): Promise<void> {
  const mail = {
    folder,
    raw: RAW,
    messageKey,
    receivedAtMs: nowMs,
    flags: [],
    isRegistered: false,
    hasAttachments: false,
    fromName: '',
    to: 'a@tangle.alt',
    subject: 'Long',
    messageId: '',
  };
  await one.change((batch) => one.messages.deliver(batch, mail).apply);
  await one.manager.settle();
}

async function remove(one: OwnDevice, messageKey: string): Promise<void> {
  const ids = one.messages.find(messageKey).map(({ id }) => id);
  await one.change((batch) => one.messages.expunge(batch, ids).apply);
}

describe('a long mail that one device has sent', () => {
  it(
    'is known to the others with the device that has it, until it is deleted',
    async () => {
      const [laptop, phone] = await twoDevices();
      await put(laptop, 'Sent', KEY);
      await meet(laptop, phone);
      const facts = { messageKey: KEY, subject: 'Long', sizeBytes: RAW.length };
      const away = { ...facts, device: laptop.log.own.id };
      expect(phone.copies.away()).toEqual([expect.objectContaining(away)]);
      expect(laptop.copies.away()).toEqual([]);
      const tablet = await device(await linkedDisk(phone));
      expect(tablet.copies.away()).toEqual([expect.objectContaining(away)]);
      await remove(laptop, KEY);
      await meet(laptop, phone, tablet);
      expect([phone.copies.away(), tablet.copies.away()]).toEqual([[], []]);
    },
    TEST_MS,
  );

  it(
    'lies in Sent of the others as soon as its bytes come in another way',
    async () => {
      const [laptop, phone] = await twoDevices();
      await put(laptop, 'Sent', KEY);
      await meet(laptop, phone);
      await put(phone, 'INBOX', 'own:1');
      expect(phone.copies.away()).toEqual([]);
      const [sent] = phone.messages.list(FOLDER.Sent, 9);
      expect(sent?.entry.messageKey).toBe(KEY);
      expect(phone.messages.raw(sent?.id ?? '')).toEqual(RAW);
    },
    TEST_MS,
  );

  it(
    'is away again when the time is over for which its parts are paid',
    async () => {
      const [laptop, phone] = await twoDevices();
      await put(laptop, 'Sent', KEY);
      await laptop.change((batch) => {
        expect(laptop.copies.tell(batch, KEY, utf8ToBytes('letter'))).toBe(true);
        expect(laptop.copies.tell(batch, 'sent:unknown', utf8ToBytes('letter'))).toBe(false);
        return () => {};
      });
      await meet(laptop, phone);
      expect(phone.copies.away()).toEqual([]);
      nowMs += 32 * DAY_MS;
      await phone.manager.stop();
      const again = await device(phone.disk);
      expect(again.copies.away()).toHaveLength(1);
    },
    TEST_MS,
  );
});

describe('what the log says of a copy', () => {
  const text = fc.string({ maxLength: 40 });
  const far = fc.record({
    messageKey: fc.constant(KEY),
    device: fc.constant('0a'.repeat(16)),
    sizeBytes: fc.nat(),
    sentAtMs: fc.nat(),
    to: text,
    subject: text,
    emailId: fc.constant('0c'.repeat(32)),
  });

  it('comes back as it was written, with and without parts', () => {
    fc.assert(
      fc.property(far, fc.uint8Array({ minLength: 1, maxLength: 99 }), (copy, letter) => {
        expect(decodeSentCopy(encodeFar(copy))).toEqual(copy);
        const kept = { ...copy, kept: { letter, sinceMs: 7 } };
        expect(decodeSentCopy(encodeFar(kept))).toEqual(kept);
      }),
    );
    const whole = { messageKey: KEY, raw: utf8ToBytes('Subject: Hi\r\n\r\n') };
    expect(decodeSentCopy(encodeWhole(whole))).toEqual(whole);
    expect(encodeWhole({ messageKey: KEY, raw: RAW })).toBeUndefined();
  });

  it('is nothing for other bytes, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const copy = decodeSentCopy(Uint8Array.of(0, ...bytes));
        expect(copy === undefined || isFar(copy)).toBe(true);
        decodeSentCopy(bytes);
      }),
    );
    expect(decodeSentCopy(undefined)).toBeUndefined();
    expect(decodeSentCopy(Uint8Array.of(5, 1, 2))).toBeUndefined();
  });
});
