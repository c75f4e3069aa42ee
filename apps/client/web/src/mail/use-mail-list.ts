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
function sourceOf(kind: 'search' | 'folder', text: string): MailSource {
  const isSearch = kind === 'search';
  const path = isSearch
    ? `mailbox/search?q=${encodeURIComponent(text)}`
    : `messages?folder=${encodeURIComponent(text)}`;
  return {
    key: path,
    topics: TOPICS,
    load: async (api, offset, limit) => {
      const page = `${path}&offset=${offset}&limit=${limit}`;
      if (!isSearch) return { rows: await api.get<readonly MessageSummaryDto[]>(page) };
      const { messages: rows, ...facts } = await api.get<SearchResultDto>(page);
      return { rows, ...facts };
    },
  };
}

/** Behind the outbox, which is no list of rows, stands the inbox. */
function useSource(place: ListPlace): MailSource {
  const kind = place.kind === 'search' ? 'search' : 'folder';
  const text =
    place.kind === 'search' ? place.query : place.kind === 'folder' ? place.folder : 'INBOX';
  return useMemo(() => sourceOf(kind, text), [kind, text]);
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
  const folder = folders?.find(({ name, id }) => name === place.folder || id === place.folder);
  // A folder that is not there, or not any more, has nothing to wait for.
  return folder?.total ?? (folders === undefined ? undefined : 0);
}

export function useMailList(place: ListPlace, open: string | undefined): MailListState {
  const source = useSource(place);
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
