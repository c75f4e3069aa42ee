/**
 * The list that the mail screen shows: its rows, the cursor, the marks. After: use-rows.ts,
 * marks.ts.
 */
import { useCallback, useMemo, useState } from 'react';
import type { FolderDto, MessageSummaryDto } from '../../../src/api/dto.ts';
import type { SearchResultDto } from '../../../src/api/mailbox-dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { type Rows, type RowSource, useRows } from '../daemon/use-rows.ts';
import { idsBetween, type Marks, NO_MARKS, toggled, withMarks } from './marks.ts';
import type { ListPlace } from './places.ts';

/** Accepting or blocking somebody moves their mails. */
const TOPICS = ['inbox', 'mailbox', 'outbox', 'contacts'] as const;

type MailSource = RowSource<MessageSummaryDto>;

/** Where the rows of a place come from. */
function sourceOf(place: ListPlace): MailSource {
  if (place.kind === 'search') {
    const path = `mailbox/search?q=${encodeURIComponent(place.query)}`;
    return {
      key: path,
      topics: TOPICS,
      load: async (api, offset, limit) => {
        const answer = await api.get<SearchResultDto>(`${path}&offset=${offset}&limit=${limit}`);
        const { messages: rows, total, isFuzzy, pending } = answer;
        return { rows, total, isFuzzy, pending };
      },
    };
  }
  const folder = place.kind === 'folder' ? place.folder : 'INBOX';
  const path = `messages?folder=${encodeURIComponent(folder)}`;
  return {
    key: path,
    topics: TOPICS,
    load: async (api, offset, limit) => ({
      rows: await api.get<readonly MessageSummaryDto[]>(`${path}&offset=${offset}&limit=${limit}`),
    }),
  };
}

interface Cursor {
  readonly index: number;
  /** The mail at it: the cursor goes along when others arrive above. */
  readonly id: string | undefined;
}

interface Position {
  readonly key: string;
  readonly cursor: Cursor;
  readonly marks: Marks;
}

const START: Omit<Position, 'key'> = { cursor: { index: -1, id: undefined }, marks: NO_MARKS };

export interface MailListState {
  readonly source: MailSource;
  readonly rows: Rows<MessageSummaryDto>;
  /** Rows in all; undefined before it is known. */
  readonly total: number | undefined;
  /** -1 when no row is chosen. */
  readonly cursor: number;
  readonly setCursor: (index: number) => void;
  readonly marks: Marks;
  readonly setMarks: (marks: Marks) => void;
  readonly toggle: (index: number) => void;
  readonly extend: (from: number, to: number) => void;
  /** A mail among the rows that are loaded. */
  readonly mailOf: (id: string) => MessageSummaryDto | undefined;
}

function useTotal(place: ListPlace, rows: Rows<MessageSummaryDto>): number | undefined {
  const { value: folders } = useResource<readonly FolderDto[]>('folders');
  if (place.kind !== 'folder') return rows.page?.total;
  return folders?.find(({ name, id }) => name === place.folder || id === place.folder)?.total;
}

export function useMailList(place: ListPlace, open: string | undefined): MailListState {
  const { kind } = place;
  const detail = place.kind === 'folder' ? place.folder : place.kind === 'search' && place.query;
  // By what it names: a place is made anew with every drawing.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const source = useMemo(() => sourceOf(place), [kind, detail]);
  const rows = useRows(source);
  const total = useTotal(place, rows);
  const [position, setPosition] = useState<Position>({ ...START, key: source.key });
  const present = position.key === source.key ? position : { ...START, key: source.key };
  const change = useCallback(
    (part: Partial<Position>) =>
      setPosition((before) => ({
        ...(before.key === source.key ? before : START),
        ...part,
        key: source.key,
      })),
    [source.key],
  );
  const { cursor, marks } = present;
  const known = rows.indexOf(cursor.id ?? (cursor.index < 0 ? (open ?? '') : ''));
  const index = known >= 0 ? known : Math.min(cursor.index, (total ?? 0) - 1);
  const idAt = (row: number): string | undefined => rows.rowAt(row)?.id;
  return {
    source,
    rows,
    total,
    cursor: index,
    setCursor: (row) => change({ cursor: { index: row, id: idAt(row) } }),
    marks,
    setMarks: (next) => change({ marks: next }),
    toggle: (row) => {
      const id = idAt(row);
      if (id !== undefined) change({ marks: toggled(marks, id) });
    },
    extend: (from, to) => change({ marks: withMarks(marks, idsBetween(from, to, idAt)) }),
    mailOf: (id) => rows.rowAt(rows.indexOf(id)),
  };
}
