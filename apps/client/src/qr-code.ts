/**
 * QR codes of links and codes, as text and as a picture. Before: api/, cli/, service/; what others
 * made is read by cli/qr-image.ts.
 */
import { PNG } from 'pngjs';
import { encodeQR } from 'qr';

/** How much of a damaged code can be restored: 7 % or 15 % of it. */
type Correction = 'low' | 'medium';

/** Light modules around a code, by ISO/IEC 18004; a terminal shows its colours around it, too. */
const QUIET_MODULES = 4;
const TERMINAL_QUIET_MODULES = 2;
/** Pixels of a module in a picture. */
const MODULE_PIXELS = 8;
const BLACK_ON_WHITE = '\u001B[47m\u001B[30m';
const PLAIN = '\u001B[0m';

/** Lines of half blocks, dark where the code is; for what shows dark text on a light ground. */
export function qrText(text: string, ecc: Correction = 'medium'): string {
  return linesOf(encodeQR(text, 'raw', { ecc, border: QUIET_MODULES })).join('\n');
}

/** The same for a terminal of any colours: with dark and light exchanged it is often not read. */
export function qrForTerminal(text: string): string {
  const modules = encodeQR(text, 'raw', { ecc: 'medium', border: TERMINAL_QUIET_MODULES });
  return linesOf(modules)
    .map((line) => `${BLACK_ON_WHITE}${line}${PLAIN}`)
    .join('\n');
}

/** A PNG in black and white. */
export function qrPng(text: string): Buffer {
  const border = QUIET_MODULES;
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border, scale: MODULE_PIXELS });
  const png = new PNG({ width: rows.length, height: rows.length });
  // Four bytes a pixel: red, green, blue and how opaque.
  png.data.fill(255);
  for (const [y, row] of rows.entries()) {
    for (const [x, isDark] of row.entries()) {
      const at = 4 * (y * row.length + x);
      if (isDark) png.data.fill(0, at, at + 3);
    }
  }
  return PNG.sync.write(png, { colorType: 0 });
}

/** Two rows of modules in each line. */
function linesOf(modules: readonly (readonly boolean[])[]): string[] {
  const lines: string[] = [];
  for (let y = 0; y < modules.length; y += 2) {
    const [upper = [], lower = []] = [modules[y], modules[y + 1]];
    lines.push(upper.map((isDark, x) => blockOf(isDark, lower[x] ?? false)).join(''));
  }
  return lines;
}

function blockOf(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
