/** COPY and MOVE: RFC 3501 §6.4.7, RFC 6851, COPYUID of RFC 4315. */
import { ok, SELECTED } from '../session/command.ts';
import type { CopiedUid } from '../session/hooks.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import type { Octets } from '../syntax/imap-text.ts';
import { formatInOrder, formatSequenceSet, type SequenceSet } from '../syntax/sequence-set.ts';
import { highestModseq, refuseReadOnly } from './expunge.ts';
import { findFolder, readFolder } from './folders.ts';

interface Copy {
  readonly set: SequenceSet;
  readonly folder: Octets;
}

const parse: ImapCommand<Copy>['parse'] = (args) => {
  args.space();
  const set = args.sequenceSet();
  const folder = readFolder(args);
  args.end();
  return { set, folder };
};

export const copy: ImapCommand<Copy> = {
  name: 'COPY',
  states: SELECTED,
  hasUidForm: true,
  parse,
  run: async (session, { set, folder }, { isUid }) => {
    const { id } = findFolder(session, folder, 'TRYCREATE');
    const uids = session.uidsOf(set, isUid);
    const copied = await session.store.copy(session.selected.folderId, uids, id);
    return ok('copied', copyUid(session, id, copied));
  },
};

export const move: ImapCommand<Copy> = {
  name: 'MOVE',
  states: SELECTED,
  hasUidForm: true,
  parse,
  run: async (session, { set, folder }, { isUid }) => {
    refuseReadOnly(session);
    const { id } = findFolder(session, folder, 'TRYCREATE');
    const uids = session.uidsOf(set, isUid);
    const moved = await session.store.move(session.selected.folderId, uids, id);
    // The new UIDs are told before the messages vanish here (RFC 6851 §4.3).
    const code = copyUid(session, id, moved);
    if (code !== undefined) session.untagged(`OK [${code}] moved`);
    await session.tellNews();
    return ok('moved', session.enabled.has('QRESYNC') ? highestModseq(session) : undefined);
  },
};

/** The old and the new UIDs, in the same order; undefined when nothing was copied. */
function copyUid(
  session: ImapSession,
  folderId: string,
  copied: readonly CopiedUid[],
): string | undefined {
  const state = session.store.folder(folderId);
  if (state === undefined || copied.length === 0) return undefined;
  const sorted = copied.toSorted((a, b) => a.from - b.from);
  const from = formatSequenceSet(sorted.map((one) => one.from));
  const to = formatInOrder(sorted.map((one) => one.to));
  return `COPYUID ${state.uidValidity} ${from} ${to}`;
}
