/** EXPUNGE and UID EXPUNGE: RFC 3501 §6.4.3, RFC 4315. */
import { hasFlag } from '../../../core/folder/folder.ts';
import { CommandRefused, ok, SELECTED } from '../session/command.ts';
import type { ImapFolderState } from '../session/hooks.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import type { SequenceSet } from '../syntax/sequence-set.ts';

export const expunge: ImapCommand<SequenceSet | undefined> = {
  name: 'EXPUNGE',
  states: SELECTED,
  hasUidForm: true,
  parse: (args, { isUid }) => {
    if (isUid) args.space();
    const set = isUid ? args.sequenceSet() : undefined;
    args.end();
    return set;
  },
  run: async (session, set) => {
    refuseReadOnly(session);
    const { selected, store } = session;
    const among = set === undefined ? selected.uids : session.uidsOf(set, true);
    const uids = deletedUids(session.folderState(), among);
    if (uids.length > 0) await store.expunge(selected.folderId, uids);
    await session.tellNews();
    // Programs that keep modification numbers want the one after the change (RFC 7162 §3.2.7).
    const code = session.enabled.has('QRESYNC') ? highestModseq(session) : undefined;
    return ok('gone for good', code);
  },
};

/** Those that are marked as deleted. */
export function deletedUids(state: ImapFolderState, uids: readonly number[]): number[] {
  return uids.filter((uid) => {
    const message = state.messages.get(uid);
    return message !== undefined && hasFlag(message, '\\Deleted');
  });
}

export function refuseReadOnly(session: ImapSession): void {
  if (session.selected.isReadOnly)
    throw new CommandRefused('the folder was opened only to be read', 'CANNOT');
}

export function highestModseq(session: ImapSession): string {
  return `HIGHESTMODSEQ ${session.folderState().modseq}`;
}
