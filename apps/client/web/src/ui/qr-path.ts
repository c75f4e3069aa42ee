/** QR codes as one SVG path, drawn on this machine. After: qr-code.tsx. */
import { encodeQR } from 'qr';

/** Light modules around a code, by ISO/IEC 18004. */
const QUIET_MODULES = 4;

export interface QrPath {
  /** Modules of a side, the light ones around it included. */
  readonly size: number;
  /** Dark modules as a path in units of a module: one stroke for each run in a row. */
  readonly path: string;
}

/** Undefined for a text that is too long for any code. */
export function qrPathOf(text: string): QrPath | undefined {
  let rows: boolean[][];
  try {
    rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_MODULES });
  } catch {
    return undefined;
  }
  return { size: rows.length, path: rows.map((row, y) => rowPath(row, y)).join('') };
}

function rowPath(row: readonly boolean[], y: number): string {
  let path = '';
  for (let x = 0; x < row.length; x += 1) {
    if (row[x] !== true) continue;
    const end = row.indexOf(false, x);
    const length = (end === -1 ? row.length : end) - x;
    path += `M${x} ${y}h${length}v1h-${length}z`;
    x += length;
  }
  return path;
}
