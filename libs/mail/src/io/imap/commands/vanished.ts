/** UIDs that are gone, for programs that come back (RFC 7162 §3.2.6). */
import type { ImapFolderState } from '../session/hooks.ts';
import type { SequenceSet } from '../syntax/sequence-set.ts';

/**
 * UIDs among `known` that vanished after `modseq`, ascending. Where expunges of that time may have
 * been forgotten, all that are not there are named.
 */
export function vanishedSince(
  state: ImapFolderState,
  modseq: number,
  known: SequenceSet | undefined,
): number[] {
  const ranges = known === undefined || known === 'saved' ? ALL : known;
  const isKnown = (uid: number): boolean => ranges.some(({ from, to }) => uid >= from && uid <= to);
  if (modseq >= state.expungedFloor) {
    const gone = state.expunged.filter((one) => one.modseq > modseq && isKnown(one.uid));
    return gone.map(({ uid }) => uid).toSorted((a, b) => a - b);
  }
  const gone: number[] = [];
  for (let uid = 1; uid < state.uidNext; uid++) {
    if (!state.messages.has(uid) && isKnown(uid)) gone.push(uid);
  }
  return gone;
}

const ALL = [{ from: 1, to: Number.POSITIVE_INFINITY }];
