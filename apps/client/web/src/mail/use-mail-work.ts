/**
 * What can be done to the mails of the list that is shown: to the marked ones, else to the one
 * that is open, else to the one at the cursor. Before: mail-screen.tsx; after: mail-desk.ts.
 */
import { createContext, useContext, useRef, useState } from 'react';
import { useComposer } from '../compose/composer.tsx';
import type { Api } from '../daemon/api.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { useData } from '../daemon/use-data.ts';
import { go, goInstead } from '../frame/route.ts';
import { useToast } from '../ui/toasts.tsx';
import { fill, type Plurals } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { openDraftOf } from './drafts.ts';
import { folderText } from './folder-names.ts';
import { folderIdOf, MailDesk } from './mail-desk.ts';
import { MAX_MARKS, NO_MARKS, targets, withMarks } from './marks.ts';
import { type ListPlace, partsOfPlace } from './places.ts';
import type { MailListState } from './use-mail-list.ts';

/** Rows of one call that asks for ids. */
const MARK_PAGE = 500;

export interface MailWork {
  readonly list: MailListState;
  readonly place: ListPlace;
  readonly open: string | undefined;
  /** Ids of the mails that the next action is about. */
  readonly targets: () => readonly string[];
  /** The mail that was opened to be read: it takes the focus, which a walk leaves in the list. */
  readonly opened: string | undefined;
  readonly show: (index: number) => void;
  /** Moves to a row, and shows its mail where it stands beside the list. */
  readonly walk: (index: number) => void;
  readonly step: (by: 1 | -1) => void;
  readonly close: () => void;
  readonly archive: (ids?: readonly string[]) => void;
  /** Into Trash; what lies there is asked about first. */
  readonly trash: (ids?: readonly string[]) => void;
  readonly moveTo: (folder: string, ids?: readonly string[]) => void;
  readonly star: (ids?: readonly string[]) => void;
  readonly setFlag: (flag: string, isOn: boolean, ids: readonly string[]) => void;
  readonly label: (name: string, isOn: boolean, ids?: readonly string[]) => void;
  readonly markSeen: (isSeen: boolean, ids?: readonly string[]) => void;
  readonly markAll: () => void;
  readonly undo: () => void;
  /** Runs what may fail, and says so. */
  readonly attempt: (run: () => Promise<void>) => void;
  /** Mails that wait for a yes before they are deleted for good. */
  readonly doomed: readonly string[];
  readonly deleteDoomed: () => void;
  readonly spareDoomed: () => void;
}

const WorkContext = createContext<MailWork | undefined>(undefined);
export const WorkProvider = WorkContext.Provider;

export function useMailWork(): MailWork {
  const work = useContext(WorkContext);
  if (work === undefined) throw new Error('broken invariant: this stands inside the mail screen');
  return work;
}

/** Runs what may fail, and says so in a toast. */
export function useAttempt(): MailWork['attempt'] {
  const { filing } = useWords();
  const toast = useToast();
  return (run) => {
    run().catch((error: unknown) => {
      if (!(error instanceof ApiProblem)) throw error;
      toast({ text: fill(filing.failed, { reason: error.message }) });
    });
  };
}

/** Rows that are looked through for one that stays. */
const MAX_GONE = 20;

/** The mail to be shown when these are gone: the next one below, else above. */
function neighbour({ rows, cursor }: MailListState, ids: readonly string[]): string | undefined {
  const below = Array.from({ length: MAX_GONE }, (_, step) => cursor + 1 + step);
  const places = [...below, cursor - 1];
  return places
    .map((index) => (index < 0 ? undefined : rows.rowAt(index)?.id))
    .find((id) => id !== undefined && !ids.includes(id));
}

/** Keys that are held down pass mails by: one is shown, and thereby read, where they rest. */
const WALK_REST_MS = 150;
/** The width from which list and mail stand beside each other, as in mail.css. */
const BESIDE = '(min-width: 760px)';

/** Moves from row to row; the mail is shown when the walk rests. */
function useWalk(list: MailListState, place: ListPlace, open: string | undefined) {
  const rest = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  function stop(): void {
    clearTimeout(rest.current);
    rest.current = undefined;
  }
  function walk(index: number): void {
    list.setCursor(index);
    stop();
    const mail = list.rows.rowAt(index);
    if (mail === undefined || mail.folder === 'Drafts') return;
    if (open === undefined && !matchMedia(BESIDE).matches) return;
    const begun = location.hash;
    rest.current = setTimeout(() => {
      rest.current = undefined;
      if (location.hash !== begun) return;
      // Going back leads to where the walk began.
      (open === undefined ? go : goInstead)(...partsOfPlace(place, mail.id));
    }, WALK_REST_MS);
  }
  const isWalking = (): boolean => rest.current !== undefined;
  return { walk, stop, isWalking };
}

/** Gives the focus to the list, unless the mail has it. */
function focusList(): void {
  if (document.activeElement?.closest('.reader, [role="listbox"]') != null) return;
  document.querySelector<HTMLElement>('.mail-list [role="listbox"]')?.focus();
}

/** Opens mails and moves between them. */
function useMoves(list: MailListState, place: ListPlace, open: string | undefined) {
  const { api } = useData();
  const composer = useComposer();
  const attempt = useAttempt();
  const { walk, stop, isWalking } = useWalk(list, place, open);
  const [opened, setOpened] = useState<string | undefined>(undefined);
  function show(index: number): void {
    const mail = list.rows.rowAt(index);
    if (mail === undefined) return;
    stop();
    list.setCursor(index);
    const showMail = (): void => {
      setOpened(mail.id);
      if (mail.id !== open) go(...partsOfPlace(place, mail.id));
    };
    if (mail.folder !== 'Drafts') showMail();
    else {
      attempt(async () => {
        if (!(await openDraftOf(api, composer, mail.id))) showMail();
      });
    }
  }
  function step(by: 1 | -1): void {
    const index = Math.max(0, Math.min((list.total ?? 0) - 1, list.cursor + by));
    focusList();
    walk(index);
  }
  const close = (): void => {
    stop();
    setOpened(undefined);
    if (open !== undefined) go(...partsOfPlace(place));
  };
  return { opened, show, walk, step, close, stop, isWalking };
}

/** Does things to mails, says what was done, and takes it back. */
function useDeeds(
  list: MailListState,
  place: ListPlace,
  open: string | undefined,
  stopWalk: () => void,
) {
  const { api } = useData();
  const { filing, mail } = useWords();
  const countOf = useCount();
  const toast = useToast();
  const attempt = useAttempt();
  const [desk] = useState(() => new MailDesk({ api }));
  function undo(): void {
    attempt(async () => {
      toast({ text: (await desk.undo()) ? filing.undone : filing.nothingToUndo });
    });
  }
  const say = (text: string): void => toast({ text, action: { label: filing.undo, run: undo } });

  /** The open mail is about to go: the next one takes its place before it cannot be had. */
  function leave(ids: readonly string[]): void {
    const gone = new Set(ids);
    list.setMarks(new Set([...list.marks].filter((id) => !gone.has(id))));
    stopWalk();
    if (open === undefined || !gone.has(open)) return;
    const next = list.marks.size > 0 ? undefined : neighbour(list, ids);
    go(...partsOfPlace(place, next));
  }
  function move(ids: readonly string[], folder: string, words: Plurals): void {
    if (ids.length === 0) return;
    attempt(async () => {
      leave(ids);
      const count = await desk.move(ids, folder);
      if (count > 0) say(fill(countOf(words, count), { folder: folderText(mail, folder) }));
    });
  }
  function flag(ids: readonly string[], name: string, isOn: boolean, text?: string): void {
    if (ids.length === 0) return;
    attempt(async () => {
      await desk.flag(ids, name, isOn ? 'add' : 'remove');
      if (text !== undefined) say(text);
    });
  }
  function deleteForGood(ids: readonly string[]): void {
    attempt(async () => {
      leave(ids);
      await desk.deleteForGood(ids);
      toast({ text: countOf(filing.deleted, ids.length) });
    });
  }
  return { undo, move, flag, deleteForGood, attempt };
}

/** Ids of all mails of a list, up to the bound of marks. Rejects with ApiProblem. */
async function allIds(api: Api, { source, total = 0 }: MailListState): Promise<string[]> {
  const ids: string[] = [];
  const wanted = Math.min(total, MAX_MARKS);
  while (ids.length < wanted) {
    const { rows } = await source.load(api, ids.length, MARK_PAGE);
    if (rows.length === 0) break;
    ids.push(...rows.map(({ id }) => id));
  }
  return ids;
}

/** Joins list and deeds. */
export function useNewMailWork(
  list: MailListState,
  place: ListPlace,
  open: string | undefined,
): MailWork {
  const { api } = useData();
  const { filing } = useWords();
  const [doomed, setDoomed] = useState<readonly string[]>([]);
  const { isWalking, stop, ...moves } = useMoves(list, place, open);
  const { undo, move, flag, deleteForGood, attempt } = useDeeds(list, place, open, stop);
  const atCursor = list.rows.rowAt(list.cursor)?.id;
  const chosen = (): readonly string[] =>
    targets(list.marks, isWalking() ? atCursor : (open ?? atCursor));
  return {
    list,
    place,
    open,
    ...moves,
    targets: chosen,
    archive: (ids = chosen()) => move(ids, 'Archive', filing.archived),
    trash: (ids = chosen()) => {
      if (ids.every((id) => folderIdOf(id) === 'Trash')) setDoomed(ids);
      else move(ids, 'Trash', filing.trashed);
    },
    moveTo: (folder, ids = chosen()) => move(ids, folder, filing.moved),
    star: (ids = chosen()) => {
      const isOn = ids.every((id) => list.mailOf(id)?.flags.includes('\\Flagged') === true);
      flag(ids, '\\Flagged', !isOn);
    },
    setFlag: (name, isOn, ids) => flag(ids, name, isOn),
    label: (name, isOn, ids = chosen()) =>
      flag(ids, name, isOn, fill(isOn ? filing.labelled : filing.unlabelled, { name })),
    markSeen: (isSeen, ids = chosen()) => {
      // An open mail would be marked as read again at once.
      if (!isSeen && open !== undefined && ids.includes(open)) moves.close();
      flag(ids, '\\Seen', isSeen);
    },
    markAll: () => attempt(async () => list.setMarks(withMarks(NO_MARKS, await allIds(api, list)))),
    undo,
    attempt,
    doomed,
    deleteDoomed: () => deleteForGood(doomed),
    spareDoomed: () => setDoomed([]),
  };
}
