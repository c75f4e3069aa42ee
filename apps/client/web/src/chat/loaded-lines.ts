/**
 * The lines of a conversation that a page holds, and what answers of the daemon do to them. Pure.
 * Before: line-loader.ts. Spec: docs/spec/41-client-api.md section 22.
 */
import type { ChatMessageDto } from '../../../src/api/chat-dto.ts';

export type Line = ChatMessageDto;

export interface LoadedLines {
  /** The oldest first, without a gap but for what was deleted. */
  readonly lines: readonly Line[];
  /** Nothing lies before the first of them. */
  readonly isWhole: boolean;
}

/** Lines that are asked for at once. */
export const PAGE_LINES = 60;
/** More than this are not kept while the reader is at the end. */
const MAX_KEPT_AT_END = 600;

/** Puts the newest page, newest first, in the place of what it covers. */
export function withNewest({ lines, isWhole }: LoadedLines, page: readonly Line[]): LoadedLines {
  const fresh = page.toReversed();
  const [first] = fresh;
  if (first === undefined || page.length < PAGE_LINES) return { lines: fresh, isWhole: true };
  // Nothing in common: there may be lines between, so what was there goes.
  const isJoined = lines.some(({ number }) => number >= first.number);
  if (!isJoined) return { lines: fresh, isWhole: false };
  return { lines: [...lines.filter(({ number }) => number < first.number), ...fresh], isWhole };
}

/** Puts a page, newest first, before what is there. */
export function withOlder({ lines }: LoadedLines, page: readonly Line[]): LoadedLines {
  const first = lines[0]?.number ?? Number.MAX_SAFE_INTEGER;
  const older = page.toReversed().filter(({ number }) => number < first);
  return { lines: [...older, ...lines], isWhole: page.length < PAGE_LINES };
}

/** Puts one line anew; without `found` it was deleted. */
export function withOne(
  { lines, isWhole }: LoadedLines,
  number: number,
  found: Line | undefined,
): LoadedLines {
  const changed = lines.flatMap((one) => {
    if (one.number !== number) return [one];
    return found === undefined ? [] : [found];
  });
  return { lines: changed, isWhole };
}

/** Lets go of what lies far behind the end, once it is long. */
export function trimmed(loaded: LoadedLines): LoadedLines {
  if (loaded.lines.length <= MAX_KEPT_AT_END) return loaded;
  return { lines: loaded.lines.slice(-2 * PAGE_LINES), isWhole: false };
}

/**
 * What to ask for when something about line `number` has changed: the newest page, that line
 * alone, or nothing, since it is not held.
 */
export function dueFor(
  lines: readonly Line[],
  number: number | undefined,
): 'newest' | 'one' | 'nothing' {
  const inNewestPage = lines.at(-PAGE_LINES) ?? lines[0];
  if (number === undefined || inNewestPage === undefined) return 'newest';
  if (number >= inNewestPage.number) return 'newest';
  return lines.some((one) => one.number === number) ? 'one' : 'nothing';
}
