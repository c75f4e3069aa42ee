/** Which mails of a conversation are open, and where `n` and `p` go. */

export interface Walk {
  /** The mail that keys and buttons are about. */
  readonly present: string;
  readonly open: ReadonlySet<string>;
}

/** The mail that was chosen is open, and the newest of `ids`; all others are folded to a line. */
export function startWalk(chosen: string, ids: readonly string[]): Walk {
  return { present: chosen, open: new Set([chosen, ids.at(-1) ?? chosen]) };
}

/** The next mail, or the one before, opened; the ends hold. */
export function step(walk: Walk, ids: readonly string[], by: 1 | -1): Walk {
  const at = ids.indexOf(walk.present);
  const next = ids[Math.min(ids.length - 1, Math.max(0, at + by))];
  if (at < 0 || next === undefined || next === walk.present) return walk;
  return { present: next, open: new Set([...walk.open, next]) };
}

/** Opens a folded mail, folds an open one; the last that is open stays so. */
export function toggle(walk: Walk, ids: readonly string[], id: string): Walk {
  const open = new Set(walk.open);
  if (!open.delete(id)) return { present: id, open: open.add(id) };
  const rest = ids.filter((one) => open.has(one));
  const present = walk.present === id ? rest.at(-1) : walk.present;
  return present === undefined ? walk : { present, open };
}
