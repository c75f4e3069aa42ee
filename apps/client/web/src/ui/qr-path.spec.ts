import { describe, expect, it } from '@jest/globals';
import { decodeQR } from 'qr/decode.js';
import { qrPath } from './qr-path.ts';

const PIXELS = 4;

/** Draws the squares of a path into a picture, as a browser does. */
function draw({ size, path }: ReturnType<typeof qrPath>): Parameters<typeof decodeQR>[0] {
  const side = size * PIXELS;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y, width] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let row = Number(y) * PIXELS; row < (Number(y) + 1) * PIXELS; row++) {
      const from = 4 * (row * side + Number(x) * PIXELS);
      for (let pixel = 0; pixel < Number(width) * PIXELS; pixel++) {
        data.fill(0, from + 4 * pixel, from + 4 * pixel + 3);
      }
    }
  }
  return { width: side, height: side, data };
}

describe('a QR code', () => {
  it('is read as what was written', () => {
    const link = `tangle:tmt1${'q'.repeat(50)}?provider=http%3A%2F%2F127.0.0.1%3A14270`;
    expect(decodeQR(draw(qrPath(link)))).toBe(link);
  });

  it('has light modules on every side', () => {
    const { size, path } = qrPath('tangle-safety:12345');
    const runs = [...path.matchAll(/M(\d+) (\d+)h(\d+)/g)].map((run) => run.slice(1).map(Number));
    expect(runs.length).toBeGreaterThan(20);
    expect(Math.min(...runs.map(([x = 0]) => x))).toBe(4);
    expect(Math.min(...runs.map(([, y = 0]) => y))).toBe(4);
    expect(Math.max(...runs.map(([x = 0, , width = 0]) => x + width))).toBe(size - 4);
  });
});
