/** Archives out and in again: byte for byte, once, over broken streams and power cuts. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { encodeMbox } from '@tanglemail/mail/core/message/mbox.ts';
import { FOLDER, type FolderId } from '../messages/folder-name.ts';
import { MessageStore } from '../messages/message-store.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { WriteLock } from '../store/write-lock.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import type { ArchiveFormat } from './archive-format.ts';
import { decodeLine, encodeLine, linesOf } from './archived-mail.ts';
import { exportMails } from './exporter.ts';
import { Importer, type ImportReport } from './importer.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function* pieces(file: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

interface Desk {
  readonly store: SealedStore;
  readonly messages: MessageStore;
  readonly importer: Importer;
}

async function open(disk: Disk = new Map(), cut?: PowerCut): Promise<Desk> {
  const store = sealedMemoryStore(memoryStore(disk, cut).store);
  const messages = await MessageStore.load(store);
  let ids = disk.size;
  const newFolderId = (): FolderId => (++ids).toString(16).padStart(32, '0') as FolderId;
  const deps = { store, messages, writes: new WriteLock(), newFolderId, nowMs: () => 5_000 };
  return { store, messages, importer: new Importer(deps) };
}

async function exported({ messages }: Desk, format: ArchiveFormat): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(exportMails(messages, format)));
}

const MAILS = [
  'Subject: one\r\n\r\nFrom here 12:30\r\n>From there\r\n',
  'From: "Eve" <eve@evil.example>\nStatus: RO\nX-Status: F\nSubject: two\n\nno newline at the end',
  'Subject: \u00fc\r\nMessage-ID: <x@y>\r\n\r\n\r\n\r\n',
];
const MBOX = Buffer.concat(MAILS.map((one, at) => encodeMbox(bytes(one), 1_000 + at)));

/** What an archive must keep of each mail. */
function contents({ messages }: Desk): unknown[] {
  return [...messages.all()]
    .map(({ id, folder, entry }) => ({
      folder,
      raw: Buffer.from(messages.raw(id)!).toString('latin1'),
      flags: entry.flags,
      date: entry.internalDate,
    }))
    .toSorted((a, b) => (a.raw < b.raw ? -1 : 1));
}

describe('an import', () => {
  it('takes messages byte for byte, with flags and times, and verifies nobody', async () => {
    const desk = await open();
    const report = await desk.importer.run(pieces(MBOX, 7), 'mbox', 'Old/Mail');
    expect(report).toEqual({ imported: 3, known: 0, tooLarge: 0, malformed: 0 });
    const { id } = desk.messages.findFolder('Old/Mail')!;
    const list = desk.messages.list(id, 9).toReversed();
    expect(list.map((one) => Buffer.from(desk.messages.raw(one.id)!).toString())).toEqual(MAILS);
    expect(list.map((one) => one.entry.internalDate)).toEqual([1_000, 1_001, 1_002]);
    expect(list[1]?.entry).toMatchObject({
      flags: ['\\Flagged', '\\Seen'],
      importedFrom: 'eve@evil.example',
      fromName: 'Eve',
      subject: 'two',
    });
    expect(list.every((one) => one.entry.sender === undefined)).toBe(true);
  });

  it('takes nothing twice, whatever folder it is in and however often', async () => {
    const desk = await open();
    await desk.importer.run(pieces(MBOX), 'mbox', 'Archive');
    const twice = Buffer.concat([MBOX, encodeMbox(bytes('Subject: new\n\n'), 1), MBOX]);
    const report = await desk.importer.run(pieces(twice), 'mbox', 'Other');
    expect(report).toMatchObject({ imported: 1, known: 6 });
    expect(desk.messages.size).toBe(4);
  });

  it('counts what is no message or too large, and goes on', async () => {
    const desk = await open();
    const large = new Uint8Array(MAX_MESSAGE_SIZE + 1).fill(0x61);
    const file = Buffer.concat([encodeMbox(bytes('no header'), 1), encodeMbox(large, 1), MBOX]);
    const report = await desk.importer.run(pieces(file, 1 << 20), 'mbox', undefined);
    expect(report).toEqual({ imported: 3, known: 0, tooLarge: 1, malformed: 1 });
  });

  it('archive-invalid, and what was taken before stays', async () => {
    const desk = await open();
    const invalid = { code: 'archive-invalid' };
    const run = (file: Uint8Array, format: ArchiveFormat): Promise<ImportReport> =>
      desk.importer.run(pieces(file), format, undefined);
    await expect(run(bytes('Subject: a mail\n\n'), 'mbox')).rejects.toMatchObject(invalid);
    await expect(run(bytes(''), 'mbox')).rejects.toMatchObject(invalid);
    await expect(run(bytes('{"raw":"%"}\n'), 'json')).rejects.toMatchObject(invalid);
    const line = encodeLine({ raw: bytes('Subject: x\n\n'), flags: [] });
    const many = Buffer.concat([
      ...Array.from({ length: 200 }, (_, at) =>
        encodeLine({ raw: bytes(`Subject: ${at}\n\n`), flags: [] }),
      ),
      line,
      bytes('junk'),
    ]);
    await expect(run(many, 'json')).rejects.toMatchObject(invalid);
    expect(desk.messages.size).toBe(128);
    expect(await run(many.subarray(0, -4), 'json')).toMatchObject({ imported: 73, known: 128 });
  });

  it('that the power cut off is completed by the next one', async () => {
    const lines = Array.from({ length: 300 }, (_, at) =>
      encodeLine({ raw: bytes(`Subject: ${at}\n\n`), flags: [], folder: `F${at % 2}` }),
    );
    for (let atWrite = 0; atWrite < 3; atWrite++) {
      for (const isApplied of [false, true]) {
        const disk: Disk = new Map();
        await open(disk);
        const cut = await open(disk, { atWrite, isApplied });
        const run = cut.importer.run(pieces(Buffer.concat(lines)), 'json', undefined);
        await expect(run).rejects.toThrow('the power went');
        const desk = await open(disk);
        expect(desk.messages.size).toBe(
          128 * (atWrite + (isApplied ? 1 : 0)) - (atWrite === 2 && isApplied ? 84 : 0),
        );
        await desk.importer.run(pieces(Buffer.concat(lines)), 'json', undefined);
        expect(desk.messages.size).toBe(300);
        expect(desk.messages.findFolder('F1')?.total).toBe(150);
      }
    }
  });
});

describe('an export', () => {
  it('as JSON makes the same mailbox again; as mbox, the same messages', async () => {
    const desk = await open();
    await desk.importer.run(pieces(MBOX), 'mbox', 'Old/Mail');
    const batch = desk.store.batch();
    const { apply } = desk.messages.deliver(batch, {
      folder: FOLDER.INBOX,
      raw: new Uint8Array([0x41, 0x3a, 0xff, 0x0a]),
      messageKey: 'letter',
      receivedAtMs: 9_000,
      flags: ['work', '\\Seen'],
      isRegistered: false,
      hasAttachments: false,
      fromName: '',
      to: '',
      subject: '',
      messageId: '',
    });
    await batch.write();
    apply();
    const again = await open();
    await again.importer.run(pieces(await exported(desk, 'json')), 'json', undefined);
    expect(contents(again)).toEqual(contents(desk));
    const plain = await open();
    await plain.importer.run(pieces(await exported(desk, 'mbox')), 'mbox', undefined);
    const raws = (one: Desk): unknown[] =>
      contents(one).map((mail) => (mail as { raw: string }).raw);
    expect(raws(plain)).toEqual(raws(desk));
  });
});

describe('lines of an archive', () => {
  it('come back as they went in, in pieces of any size', async () => {
    const mail = fc.record({
      raw: fc.uint8Array({ maxLength: 50 }),
      flags: fc.array(fc.string({ maxLength: 10 }), { maxLength: 3 }),
      folder: fc.string({ maxLength: 20, unit: 'grapheme' }),
      receivedAt: fc.nat(0xffff_ffff),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(mail), fc.integer({ min: 1, max: 50 }), async (mails, size) => {
        const file = Buffer.concat(mails.map((one) => encodeLine(one)));
        const lines = await Array.fromAsync(linesOf(pieces(file, size)));
        expect(lines.map((one) => decodeLine(one))).toEqual(mails);
      }),
    );
  });

  it('are refused or read, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((one) => bytes(one)),
        ),
        (line) => {
          expect(() => decodeLine(line)).toThrow(
            expect.objectContaining({ code: 'archive-invalid' }),
          );
        },
      ),
    );
  });
});
