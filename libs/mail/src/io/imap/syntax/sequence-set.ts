/**
 * Sets of message numbers or UIDs as commands name them: `1:4,7,*`. Ranges stay ranges, so `1:*`
 * costs nothing. Source: RFC 3501 §9, RFC 5182 (`$`).
 */

/** Ranges of one set: 1,000 are more than any program sends in a line. */
const MAX_RANGES = 10_000;
const MAX_NUMBER = 0xffff_ffff;

/** Both ends belong to it; `*` is Infinity. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** `saved` is `$`, the result of the last search that was saved. */
export type SequenceSet = 'saved' | readonly NumberRange[];

/** Undefined for what is no set. */
export function readSequenceSet(text: string): SequenceSet | undefined {
  if (text === '$') return 'saved';
  const ranges: NumberRange[] = [];
  for (const piece of text.split(',')) {
    const [first = '', second, ...rest] = piece.split(':');
    const one = readNumber(first);
    const other = second === undefined ? one : readNumber(second);
    if (rest.length > 0 || one === undefined || other === undefined) return undefined;
    ranges.push({ from: Math.min(one, other), to: Math.max(one, other) });
    if (ranges.length > MAX_RANGES) return undefined;
  }
  return ranges;
}

function readNumber(text: string): number | undefined {
  if (text === '*') return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= MAX_NUMBER ? value : undefined;
}

/**
 * The members of `sorted` (ascending) that a set names, ascending and each once. `*` stands for the
 * greatest, also where the other end is greater: `900:*` names the last of 10.
 */
export function membersOf(ranges: readonly NumberRange[], sorted: readonly number[]): number[] {
  const greatest = sorted.at(-1);
  if (greatest === undefined) return [];
  const bounded = ranges
    .map(({ from, to }) => ({
      from: Math.min(from, to === Number.POSITIVE_INFINITY ? greatest : from),
      to: Math.min(to, greatest),
    }))
    .toSorted((a, b) => a.from - b.from);
  const found: number[] = [];
  let at = 0;
  for (const { from, to } of bounded) {
    at = Math.max(at, positionOf(sorted, from));
    while (at < sorted.length && (sorted[at] ?? 0) <= to) {
      found.push(sorted[at] ?? 0);
      at++;
    }
  }
  return found;
}

/** Where the first member stands that is not less than `value`. */
export function positionOf(sorted: readonly number[], value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Numbers as a set, ascending, runs as ranges. */
export function formatSequenceSet(numbers: readonly number[]): string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const pieces: string[] = [];
  let start = 0;
  for (let at = 1; at <= sorted.length; at++) {
    if (at < sorted.length && sorted[at] === (sorted[at - 1] ?? 0) + 1) continue;
    const [first, last] = [sorted[start], sorted[at - 1]];
    pieces.push(first === last ? `${first}` : `${first}:${last}`);
    start = at;
  }
  return pieces.join(',');
}

/** Numbers as a set that keeps their order: as ranges if they ascend, else one by one. */
export function formatInOrder(numbers: readonly number[]): string {
  const isInOrder = numbers.every((one, at) => at === 0 || one > (numbers[at - 1] ?? 0));
  return isInOrder ? formatSequenceSet(numbers) : numbers.join(',');
}
