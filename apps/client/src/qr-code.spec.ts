/** What is shown as a QR code can be read, on paper and on a terminal. */
import { describe, expect, it } from '@jest/globals';
import { PNG } from 'pngjs';
import { decodeQR } from 'qr/decode.js';
import { qrForTerminal, qrPng, qrText } from './qr-code.ts';

const PIXELS = 4;
const DARK_HALVES: Readonly<Record<string, readonly [boolean, boolean]>> = {
  '█': [true, true],
  '▀': [true, false],
  '▄': [false, true],
  ' ': [false, false],
};

/** Reads lines of half blocks as a camera would, dark on light. */
function read(text: string): string {
  const lines = text.split('\n');
  const width = (lines[0]?.length ?? 0) * PIXELS;
  const height = lines.length * 2 * PIXELS;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const row = Math.floor(y / PIXELS);
      const halves = DARK_HALVES[lines[row >> 1]?.[Math.floor(x / PIXELS)] ?? ''];
      if (halves?.[row & 1] === true) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3);
    }
  }
  return decodeQR({ width, height, data });
}

const LINKS = ['a', 'tanglemail:tmt1qx0?sub=shop', '12345 67890 12345', 'aB3_-'.repeat(150)];

describe('a QR code', () => {
  it.each(LINKS)('is read from text (%#)', (link) => {
    expect(read(qrText(link))).toBe(link);
    expect(read(qrText(link, 'low'))).toBe(link);
    expect(qrText(link, 'low').length).toBeLessThanOrEqual(qrText(link).length);
  });

  it.each(LINKS)('is read from a terminal, in colours of its own (%#)', (link) => {
    const [begin, end] = ['\u001B[47m\u001B[30m', '\u001B[0m'];
    const lines = qrForTerminal(link).split('\n');
    expect(lines.every((line) => line.startsWith(begin) && line.endsWith(end))).toBe(true);
    const bare = lines.map((line) => line.slice(begin.length, -end.length));
    expect(read(bare.join('\n'))).toBe(link);
  });

  it.each(LINKS.slice(0, 3))('is read from a picture (%#)', (link) => {
    const { width, height, data } = PNG.sync.read(qrPng(link));
    expect(width).toBe(height);
    expect(decodeQR({ width, height, data })).toBe(link);
  });
});
