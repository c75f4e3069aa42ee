import { describe, expect, it } from '@jest/globals';
import { encodeQR } from 'qr';
import { qrPathOf } from './qr-path.ts';

/** The modules that a path covers. */
function drawn(path: string, size: number): boolean[][] {
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let at = 0; at < Number(length); at += 1) {
      const row = rows[Number(y)];
      if (row !== undefined) row[Number(x) + at] = true;
    }
  }
  return rows;
}

describe('QR paths', () => {
  it('cover the dark modules and no others', () => {
    for (const text of ['a', 'twt1qqh49ng7jt3klt8pnxsauvt4tpz58g2qfy2vhrcmczh8mj'.repeat(3)]) {
      const { size, path } = qrPathOf(text) ?? { size: 0, path: '' };
      expect(drawn(path, size)).toEqual(encodeQR(text, 'raw', { ecc: 'medium', border: 4 }));
    }
  });

  it('are not there for a text that no code holds', () => {
    expect(qrPathOf('x'.repeat(4_000))).toBeUndefined();
  });
});
