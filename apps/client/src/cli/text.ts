/**
 * Text for a terminal: what strangers wrote cannot move the cursor, columns fit the screen, times
 * are local.
 */

/** Control characters, and those that turn the direction of writing around. */
const UNSAFE = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const UNSAFE_BUT_LINES = /(?![\n\t])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
/** Characters that most terminals show two columns wide: East Asian letters, pictures. */
const WIDE = new RegExp(
  String.raw`[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff]|` +
    String.raw`[\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}`,
  'u',
);
const MARK = /\p{M}/u;

/** One line of somebody else's text, harmless. */
export function oneLine(text: string): string {
  return text.replace(UNSAFE, ' ');
}

/** Several lines of somebody else's text, harmless. */
export function manyLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE_BUT_LINES, ' ');
}

/** Columns that a text takes, nearly. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (!MARK.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** The text in at most `width` columns, with "…" where something was left out. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (widthOf(kept) + widthOf(character) > width - 1) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept}…`;
}

function pad(text: string, width: number, isRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)));
  return isRight ? `${space}${text}` : `${text}${space}`;
}

export interface Column<T> {
  readonly title: string;
  readonly of: (row: T) => string;
  /** Numbers stand to the right. */
  readonly isRight?: boolean;
  /** May be cut when the screen is narrow; others never are. */
  readonly isFlexible?: boolean;
}

const GAP = '  ';

/**
 * Rows under their titles, no line longer than `columns` as long as flexible cells can give way.
 */
export function table<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  screenWidth: number,
): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => oneLine(column.of(row)))),
  ];
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => widthOf(line[at] ?? ''))));
  shrink(widths, columns, screenWidth);
  const lines = cells.map((line) =>
    line
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return pad(cut(cell, width), width, columns[at]?.isRight ?? false);
      })
      .join(GAP)
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join('');
}

/** Takes columns from the widest flexible cells until all fit, down to eight each. */
function shrink(widths: number[], columns: readonly Column<never>[], screenWidth: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > screenWidth) {
    const flexible = widths.map((width, at) => (columns[at]?.isFlexible ? width : 0));
    const widest = Math.max(...flexible);
    if (widest <= 8) return;
    widths[flexible.indexOf(widest)] = widest - 1;
  }
}

/** `label  value` lines with the values under each other. */
export function facts(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${oneLine(value)}\n`).join('');
}

const two = (value: number): string => value.toString().padStart(2, '0');

/** `2026-05-04 13:37` in local time. */
export function dateText(timeMs: number): string {
  const date = new Date(timeMs);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `3 messages`, `1 message`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `1.5 KiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const kib = bytes / 1_024;
  return kib < 1_024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1_024).toFixed(1)} MiB`;
}
