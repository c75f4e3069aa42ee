/**
 * Which mails of a list are marked, by their ids: a mark stays with its mail when others arrive
 * above it. Pure.
 */

/** Marks of one list, so that what is done to them stays a matter of seconds. */
export const MAX_MARKS = 5_000;

export type Marks = ReadonlySet<string>;

export const NO_MARKS: Marks = new Set();

export function toggled(marks: Marks, id: string): Marks {
  const next = new Set(marks);
  if (!next.delete(id) && next.size < MAX_MARKS) next.add(id);
  return next;
}

/** Marks more, in their order, up to the bound. */
export function withMarks(marks: Marks, ids: Iterable<string>): Marks {
  const next = new Set(marks);
  for (const id of ids) {
    if (next.size >= MAX_MARKS) break;
    next.add(id);
  }
  return next;
}

/** Ids of the rows between two, both included; rows that are not loaded have none. */
export function idsBetween(
  from: number,
  to: number,
  idAt: (index: number) => string | undefined,
): string[] {
  const [first, last] = [Math.min(from, to), Math.max(from, to)];
  const count = Math.min(last - first + 1, MAX_MARKS);
  return Array.from({ length: count }, (_, step) => idAt(first + step)).filter(
    (id) => id !== undefined,
  );
}

/** What an action is about: the marked mails, else the one at the cursor. */
export function targets(marks: Marks, current: string | undefined): readonly string[] {
  if (marks.size > 0) return [...marks];
  return current === undefined ? [] : [current];
}
