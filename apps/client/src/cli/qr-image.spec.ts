import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeQr } from './address-commands.ts';
import { readQrImage } from './qr-image.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-qr-'));
});

afterAll(() => rm(dir, { recursive: true }));

describe('a picture of a QR code', () => {
  it('gives the text that was written into it: a link, a safety number', async () => {
    const address = 'tm1qphl6xlmmdzvsnv3sp7cpxkxj20cyksqeu9swjk7zr7ufv';
    const texts = [
      `tangle:${address}?name=Ada%20%26%20S%C3%B8n&provider=https%3A%2F%2Fmail.example%3A14280%2F` +
        '&invite=ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM',
      `tangle-safety:${'0123456789'.repeat(6)}`,
    ];
    for (const [at, text] of texts.entries()) {
      const file = join(dir, `${at}.png`);
      await writeQr(file, text);
      expect(await readQrImage(file)).toBe(text);
    }
  });

  it('qr-unreadable: no PNG, a damaged one, one without a code, one that claims to be huge', async () => {
    const file = join(dir, 'bad.png');
    const code = async (bytes: Uint8Array): Promise<unknown> => {
      await writeFile(file, bytes);
      return readQrImage(file).catch((error: { code: string }) => error.code);
    };
    const { PNG } = await import('pngjs');
    const blank = PNG.sync.write(new PNG({ width: 64, height: 64 }));
    expect(await code(Buffer.from('hello'))).toBe('qr-unreadable');
    expect(await code(blank)).toBe('qr-unreadable');
    expect(await code(blank.subarray(0, 60))).toBe('qr-unreadable');
    const huge = Buffer.from(blank);
    huge.writeUInt32BE(0x7fff_ffff, 16);
    expect(await code(huge)).toBe('qr-unreadable');
    await expect(readQrImage(join(dir, 'absent.png'))).rejects.toMatchObject({
      code: 'file-unusable',
    });
  });
});
