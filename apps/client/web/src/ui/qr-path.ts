/** A QR code as one path of an SVG. Pure. */
import { encodeQR } from 'qr';

/** Light modules around a code, by ISO/IEC 18004; without them readers do not find it. */
const QUIET_MODULES = 4;

export interface QrPath {
  /** Modules a side, with the quiet zone. */
  readonly size: number;
  /** Dark modules as squares of one unit, a run of neighbours drawn at once. */
  readonly path: string;
}

/** Restores up to 15 % of a damaged code. Throws when `text` is longer than a code can hold. */
export function qrPath(text: string): QrPath {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_MODULES });
  return { size: rows.length, path: rows.map((row, y) => pathOfRow(row, y)).join('') };
}

function pathOfRow(row: readonly boolean[], y: number): string {
  const runs: string[] = [];
  let start = 0;
  for (const [x, isDark] of [...row, false].entries()) {
    if (isDark) continue;
    if (x > start) runs.push(`M${start} ${y}h${x - start}v1h${start - x}z`);
    start = x + 1;
  }
  return runs.join('');
}
