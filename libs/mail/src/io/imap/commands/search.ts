/** SEARCH and UID SEARCH: RFC 3501 §6.4.4, ESEARCH (4731), SEARCHRES (5182), MODSEQ (7162). */
import { ok, SELECTED } from '../session/command.ts';
import type { ImapCommand, ImapSession } from '../session/session.ts';
import { type Arguments, SyntaxProblem, utf8Octets } from '../syntax/arguments.ts';
import { string } from '../syntax/imap-text.ts';
import { CharsetUnknown, isCharset, readSearchKeys, type SearchKey } from '../syntax/search-key.ts';
import { formatSequenceSet } from '../syntax/sequence-set.ts';
import { Searcher, usesModseq } from './searcher.ts';

const RETURN = ['ALL', 'COUNT', 'MAX', 'MIN', 'SAVE'] as const;
type ReturnOption = (typeof RETURN)[number];

interface Search {
  readonly key: SearchKey;
  /** Undefined: the answer of old, a list of numbers. */
  readonly returns: readonly ReturnOption[] | undefined;
  /** The charset of its words is one that is read. */
  readonly isReadable: boolean;
}

export const search: ImapCommand<Search> = {
  name: 'SEARCH',
  states: SELECTED,
  hasUidForm: true,
  keepsNumbers: true,
  parse: (args) => {
    args.space();
    const returns = args.take('RETURN ') || args.take('return ') ? readReturn(args) : undefined;
    const isReadable = readCharset(args);
    return { key: readSearchKeys(args), returns, isReadable };
  },
  run: async (session, { key, returns, isReadable }, { tag, isUid }) => {
    // What was saved before is gone, also when this search fails (RFC 5182 §2.1).
    if (returns?.includes('SAVE') === true && !isReadable) session.saved = [];
    if (!isReadable) throw new CharsetUnknown();
    const hasModseq = usesModseq(key);
    if (hasModseq) session.enableCondstore();
    const uids = await new Searcher(session).search(key);
    if (returns?.includes('SAVE') === true) session.saved = endsOf(uids, returns);
    const named = isUid ? uids : uids.map((uid) => session.selected.numberOf(uid));
    const modseq = hasModseq ? greatestModseq(session, endsOf(uids, returns ?? [])) : 0;
    if (returns === undefined && !session.isRev2) {
      const suffix = modseq === 0 ? '' : ` (MODSEQ ${modseq})`;
      session.untagged(`${['SEARCH', ...named].join(' ')}${suffix}`);
    } else {
      tellExtended(session, named, { tag, isUid, modseq, returns: returns ?? ['ALL'] });
    }
    return ok('searched');
  },
};

/** With MIN or MAX and nothing that wants all, these alone count (RFC 5182 §2.4, 7162 §3.1.10). */
function endsOf(uids: readonly number[], returns: readonly ReturnOption[]): readonly number[] {
  if (returns.includes('ALL') || returns.includes('COUNT')) return uids;
  const ends: number[] = [];
  if (returns.includes('MIN')) ends.push(...uids.slice(0, 1));
  if (returns.includes('MAX')) ends.push(...uids.slice(-1));
  return ends.length === 0 && !returns.some((one) => one !== 'SAVE') ? uids : [...new Set(ends)];
}

function greatestModseq(session: ImapSession, uids: readonly number[]): number {
  const { messages } = session.folderState();
  let greatest = 0;
  for (const uid of uids) greatest = Math.max(greatest, messages.get(uid)?.modseq ?? 0);
  return greatest;
}

function readReturn(args: Arguments): ReturnOption[] {
  const options = args.list(() => {
    const name = args.keyword();
    const option = RETURN.find((one) => one === name);
    if (option === undefined) throw new SyntaxProblem('an option is unknown');
    return option;
  });
  args.space();
  return options.length === 0 ? ['ALL'] : options;
}

/** `CHARSET name` in front of the keys, if it stands there; whether it is one that is read. */
function readCharset(args: Arguments): boolean {
  if (!args.take('CHARSET ') && !args.take('charset ')) return true;
  const isReadable = isCharset(args.astring());
  args.space();
  return isReadable;
}

function tellExtended(
  session: ImapSession,
  named: readonly number[],
  form: {
    readonly tag: string;
    readonly isUid: boolean;
    /** 0: nothing is said of it. */
    readonly modseq: number;
    readonly returns: readonly ReturnOption[];
  },
): void {
  const { returns, modseq } = form;
  // With SAVE alone nothing is answered but that it was done.
  if (returns.every((one) => one === 'SAVE')) return;
  const sorted = named.toSorted((a, b) => a - b);
  const [least, greatest] = [sorted[0], sorted.at(-1)];
  const items: string[] = [];
  if (returns.includes('MIN') && least !== undefined) items.push(`MIN ${least}`);
  if (returns.includes('MAX') && greatest !== undefined) items.push(`MAX ${greatest}`);
  if (returns.includes('COUNT')) items.push(`COUNT ${sorted.length}`);
  if (returns.includes('ALL') && sorted.length > 0) items.push(`ALL ${formatSequenceSet(sorted)}`);
  if (modseq > 0) items.push(`MODSEQ ${modseq}`);
  const tag = string(utf8Octets(form.tag), session.textMode);
  const uid = form.isUid ? ' UID' : '';
  session.untagged([`ESEARCH (TAG ${tag})${uid}`, ...items].join(' '));
}
