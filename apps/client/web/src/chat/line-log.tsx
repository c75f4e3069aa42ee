/**
 * The lines of a conversation, the newest at the bottom. One tab stop; arrows, j and k, Home, End
 * and the page keys walk through the lines. New ones are read aloud while the reader is at the end.
 */
import { ArrowDown } from 'lucide-react';
import {
  type KeyboardEvent,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { useNow } from '../daemon/use-data.ts';
import { IconButton } from '../ui/button.tsx';
import { rowByKey } from '../ui/windowing.ts';
import { fill } from '../words/plurals.ts';
import { useSpeech } from '../words/use-words.ts';
import type { LineLoader, LineState } from './line-loader.ts';
import { LineRow } from './line-row.tsx';
import type { Line } from './loaded-lines.ts';
import { type LineRow as LineRowFacts, rowsOf } from './line-rows.ts';
import { dayText } from './line-texts.ts';
import { PlaceKeeper } from './place-keeper.ts';

const PAGE_ROWS = 10;

export interface LineLogProps extends Pick<LineState, 'lines' | 'isWhole'> {
  readonly name: string;
  readonly isGroup: boolean;
  readonly loader: LineLoader;
  readonly onDelete: (number: number) => void;
  /** Tells whether the newest line is in view. */
  readonly onAtEnd: (isAtEnd: boolean) => void;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toDateString();
}

/** Keeps what is read where it is, and goes to what the user writes. */
function useLogPlace(lines: readonly Line[], rows: readonly LineRowFacts[], loader: LineLoader) {
  const view = useRef<HTMLDivElement>(null);
  const [keeper] = useState(() => new PlaceKeeper(loader.older));
  const isAtEnd = useSyncExternalStore(keeper.watch, keeper.isAtEnd);
  useLayoutEffect(
    () => (view.current === null ? undefined : keeper.attach(view.current)),
    [keeper],
  );
  useLayoutEffect(() => keeper.keep(rows), [keeper, rows]);
  useEffect(() => loader.setAtEnd(isAtEnd), [isAtEnd, loader]);
  const last = lines.at(-1);
  const ownNumber = last?.isOwn === true ? last.number : undefined;
  useEffect(() => {
    if (ownNumber !== undefined) keeper.toEnd();
  }, [ownNumber, keeper]);
  return { view, isAtEnd, toEnd: keeper.toEnd };
}

/** Which line is the stop of the tab key: the one that was chosen, else the newest. */
function usePresentLine(lines: readonly Line[]) {
  const [chosen, choose] = useState<number | undefined>(undefined);
  const present = lines.some(({ number }) => number === chosen) ? chosen : lines.at(-1)?.number;
  const isGone = chosen !== undefined && chosen !== present;
  useEffect(() => {
    // The line that had the focus was deleted: it goes on to the one that is present now.
    if (!isGone || document.activeElement !== document.body) return;
    document.querySelector<HTMLElement>('[data-line][tabindex="0"]')?.focus();
  }, [isGone]);
  return { present, choose };
}

/** Moves the focus from line to line; keys within a line are its own. */
function walk(event: KeyboardEvent<HTMLElement>, lines: readonly Line[]): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const from = event.target instanceof HTMLElement ? event.target.dataset['line'] : undefined;
  if (from === undefined) return;
  const index = lines.findIndex(({ number }) => `${number}` === from);
  const next = lines[rowByKey(event.key, index, lines.length, PAGE_ROWS) ?? -1];
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  event.currentTarget.querySelector<HTMLElement>(`[data-line="${next.number}"]`)?.focus();
}

export function LineLog(props: LineLogProps) {
  const { name, isGroup, lines, isWhole, loader, onDelete, onAtEnd } = props;
  const { language, words } = useSpeech();
  const nowMs = useNow();
  const rows = useMemo(() => rowsOf(lines, dayOf), [lines]);
  const { view, isAtEnd, toEnd } = useLogPlace(lines, rows, loader);
  const { present, choose } = usePresentLine(lines);
  useEffect(() => onAtEnd(isAtEnd), [isAtEnd, onAtEnd]);
  return (
    <div className="log-place">
      <div
        ref={view}
        className="log"
        role="log"
        aria-label={fill(words.chat.lines, { name })}
        aria-live={isAtEnd ? 'polite' : 'off'}
        aria-relevant="additions"
        onKeyDown={(event) => walk(event, lines)}
      >
        {isWhole && (
          <p className="log-start">
            {lines.length === 0 ? words.chat.noLines : words.chat.beginning}
          </p>
        )}
        {rows.map((row) =>
          row.kind === 'day' ? (
            <p key={row.key} data-key={row.key} className="day-mark">
              <span>{dayText(language, row.atMs, nowMs)}</span>
            </p>
          ) : (
            <LineRow
              key={row.key}
              row={row}
              isGroup={isGroup}
              isPresent={row.line.number === present}
              onPresent={choose}
              onDelete={onDelete}
            />
          ),
        )}
      </div>
      {!isAtEnd && (
        <div className="log-jump">
          <IconButton icon={ArrowDown} label={words.chat.toNewest} onPress={toEnd} />
        </div>
      )}
    </div>
  );
}
