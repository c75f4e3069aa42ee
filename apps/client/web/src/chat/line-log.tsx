/**
 * The lines of a conversation, the newest at the bottom. One tab stop; arrows, j and k, Home, End
 * and the page keys walk through the lines. New ones are read aloud while the reader is at the end.
 */
import { ArrowDown } from 'lucide-react';
import {
  type KeyboardEvent,
  useCallback,
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
import { rowsOf } from './line-rows.ts';
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

export function LineLog(props: LineLogProps) {
  const { name, isGroup, lines, isWhole, loader, onDelete, onAtEnd } = props;
  const { language, words } = useSpeech();
  const nowMs = useNow();
  const rows = useMemo(() => rowsOf(lines, dayOf), [lines]);
  const [keeper] = useState(() => new PlaceKeeper(loader.older));
  const isAtEnd = useSyncExternalStore(keeper.watch, keeper.isAtEnd);
  const view = useRef<HTMLDivElement>(null);
  useLayoutEffect(
    () => (view.current === null ? undefined : keeper.attach(view.current)),
    [keeper],
  );
  useLayoutEffect(() => keeper.keep(rows), [keeper, rows]);
  const [chosen, setChosen] = useState<number | undefined>(undefined);
  const present = lines.some(({ number }) => number === chosen) ? chosen : lines.at(-1)?.number;
  const choose = useCallback((number: number) => setChosen(number), []);
  const last = lines.at(-1);
  useEffect(() => onAtEnd(isAtEnd), [isAtEnd, onAtEnd]);
  useEffect(() => loader.setAtEnd(isAtEnd), [isAtEnd, loader]);
  // Whoever writes looks at what is written.
  const ownNumber = last?.isOwn === true ? last.number : undefined;
  useEffect(() => {
    if (ownNumber !== undefined) keeper.toEnd();
  }, [ownNumber, keeper]);

  function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
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

  return (
    <div className="log-place">
      <div
        ref={view}
        className="log"
        role="log"
        aria-label={fill(words.chat.lines, { name })}
        aria-live={isAtEnd ? 'polite' : 'off'}
        aria-relevant="additions"
        onKeyDown={onKeyDown}
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
          <IconButton icon={ArrowDown} label={words.chat.toNewest} onPress={keeper.toEnd} />
        </div>
      )}
    </div>
  );
}
