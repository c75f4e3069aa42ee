/** CLOSE and UNSELECT: RFC 3501 §6.4.2, RFC 3691. Only CLOSE removes what is marked as deleted. */
import { noArguments, ok, SELECTED } from '../session/command.ts';
import type { ImapCommand } from '../session/session.ts';
import { deletedUids } from './expunge.ts';

export const close: ImapCommand<void> = {
  name: 'CLOSE',
  states: SELECTED,
  parse: noArguments,
  run: async (session) => {
    const { selected, store } = session;
    const state = store.folder(selected.folderId);
    if (!selected.isReadOnly && state !== undefined) {
      const uids = deletedUids(state, selected.uids);
      if (uids.length > 0) await store.expunge(selected.folderId, uids);
    }
    session.unselect();
    return ok('closed');
  },
};

export const unselect: ImapCommand<void> = {
  name: 'UNSELECT',
  states: SELECTED,
  parse: noArguments,
  run: async (session) => {
    session.unselect();
    return ok('closed');
  },
};
