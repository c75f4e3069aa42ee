/**
 * SORT and THREAD: RFC 5256, 5957. What is searched for is found as by SEARCH; the headers of the
 * messages found are read then.
 */
import {
  formatThreads,
  type ReferenceNode,
  type Referring,
  threadByReferences,
  threadBySubject,
} from '../../../core/thread/references.ts';
import { Breath } from '../session/breath.ts';
import { ok, SELECTED } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem } from '../syntax/arguments.ts';
import { readMessageFacts } from '../syntax/message-facts.ts';
import { CharsetUnknown, isCharset, readSearchKeys, type SearchKey } from '../syntax/search-key.ts';
import { readSortKeys, type Sortable, sortedUids, type SortKey } from '../syntax/sort-key.ts';
import { Searcher } from './searcher.ts';

const NO_BYTES = new Uint8Array(0);

const ALGORITHMS: Record<string, (messages: readonly Referring[]) => ReferenceNode[]> = {
  ORDEREDSUBJECT: threadBySubject,
  REFERENCES: threadByReferences,
};

interface Sort {
  readonly keys: readonly SortKey[];
  readonly searched: SearchKey;
}

export const sort: ImapCommand<Sort> = {
  name: 'SORT',
  states: SELECTED,
  hasUidForm: true,
  keepsNumbers: true,
  parse: (args) => {
    args.space();
    const keys = readSortKeys(args);
    return { keys, searched: readSearched(args) };
  },
  run: async (session, { keys, searched }, { isUid }) => {
    const needsHeaders = keys.some(({ kind }) => kind !== 'ARRIVAL' && kind !== 'SIZE');
    const messages = await found(session, searched, needsHeaders);
    const uids = sortedUids(messages, keys);
    const named = isUid ? uids : uids.map((uid) => session.selected.numberOf(uid));
    session.untagged(['SORT', ...named].join(' '));
    return ok('sorted');
  },
};

interface Thread {
  readonly algorithm: string;
  readonly searched: SearchKey;
}

export const thread: ImapCommand<Thread> = {
  name: 'THREAD',
  states: SELECTED,
  hasUidForm: true,
  keepsNumbers: true,
  parse: (args) => {
    args.space();
    const algorithm = args.keyword();
    if (ALGORITHMS[algorithm] === undefined) throw new SyntaxProblem('the algorithm is unknown');
    return { algorithm, searched: readSearched(args) };
  },
  run: async (session, { algorithm, searched }, { isUid }) => {
    const messages = await found(session, searched, true);
    const numbered = messages.map(({ uid, facts }) => {
      const number = isUid ? uid : session.selected.numberOf(uid);
      return Object.assign({}, facts, { number });
    });
    const threads = ALGORITHMS[algorithm]?.(numbered) ?? [];
    session.untagged(`THREAD ${formatThreads(threads)}`.trimEnd());
    return ok('threaded');
  },
};

/** A charset, which must be there, and the keys. Throws CharsetUnknown. */
function readSearched(args: Arguments): SearchKey {
  args.space();
  const charset = args.astring();
  args.space();
  const key = readSearchKeys(args);
  if (!isCharset(charset)) throw new CharsetUnknown();
  return key;
}

/** The messages that a search finds, in the folder's order. */
async function found(
  session: ImapSession,
  key: SearchKey,
  needsHeaders: boolean,
): Promise<Sortable[]> {
  const uids = await new Searcher(session).search(key);
  const sortable: Sortable[] = [];
  const breath = new Breath();
  for (const uid of uids) {
    await breath.take();
    const message = session.folderState().messages.get(uid);
    if (message === undefined) continue;
    const bytes = needsHeaders ? await session.store.read(message) : NO_BYTES;
    if (bytes === undefined) continue;
    const { internalDate } = message;
    const facts = readMessageFacts(bytes, { number: uid, internalDate });
    sortable.push({ uid, internalDate, sizeBytes: session.store.sizeOf(message), facts });
  }
  return sortable;
}
