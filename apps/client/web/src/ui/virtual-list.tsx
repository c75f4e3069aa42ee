/**
 * A list of any length of which only the rows in view are in the page. One tab stop; arrows, Home,
 * End and the page keys move the chosen row (with Shift they extend what is marked). Assistive
 * programs are told place and total of every row (ARIA listbox with an active descendant).
 */
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { rowByKey, scrollTopFor, windowOf } from './windowing.ts';
import './virtual-list.css';

/** A list in which many rows can be marked. */
export interface Marking {
  readonly isMarked: (index: number) => boolean;
  /** One row: marks it or takes the mark away. */
  readonly onToggle: (index: number) => void;
  /** All rows between two. */
  readonly onExtend: (from: number, to: number) => void;
}

export interface VirtualListProps {
  readonly label: string;
  /** Rows in all, also of those that are not loaded yet. */
  readonly count: number;
  readonly rowHeight: number;
  /** -1 when none is chosen. */
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
  /** Keys came to a row, and mark nothing; where it is missing, the row is chosen. */
  readonly onWalk?: (index: number) => void;
  /** Enter on the chosen row, and a click. */
  readonly onOpen: (index: number) => void;
  readonly renderRow: (index: number) => ReactNode;
  /** Asked for rows that come into view. */
  readonly onView?: (from: number, to: number) => void;
  readonly marking?: Marking;
  /** Buttons over the row under the pointer, else over the chosen one while it has the focus. */
  readonly renderBar?: (index: number) => ReactNode;
}

interface Place {
  readonly top: number;
  readonly height: number;
}

/** How far an element is scrolled, and how high it is. */
function useScrollPlace(view: RefObject<HTMLDivElement | null>): Place {
  const [place, setPlace] = useState({ top: 0, height: 800 });
  useEffect(() => {
    const element = view.current;
    if (element === null) return undefined;
    const measure = (): void => {
      setPlace({ top: element.scrollTop, height: element.clientHeight });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, [view]);
  return place;
}

export function VirtualList(props: VirtualListProps) {
  const { count, rowHeight, chosen, onView, renderBar } = props;
  const view = useRef<HTMLDivElement>(null);
  const place = useScrollPlace(view);
  const [pointed, setPointed] = useState(-1);
  const { from, to } = windowOf(place.top, place.height, rowHeight, count);
  useEffect(() => onView?.(from, to), [onView, from, to]);
  useEffect(() => {
    const element = view.current;
    if (element === null || chosen < 0) return;
    element.scrollTop = scrollTopFor(chosen, element.scrollTop, element.clientHeight, rowHeight);
  }, [chosen, rowHeight]);
  const barred = pointed >= 0 ? pointed : chosen;
  const isBarred = barred >= from && barred < to;
  return (
    <div className="virtual-list-frame" onMouseLeave={() => setPointed(-1)}>
      <ListBox {...props} view={view} place={place} onPoint={setPointed} />
      {renderBar !== undefined && isBarred && (
        <div
          className={pointed >= 0 ? 'row-bar row-bar-pointed' : 'row-bar'}
          style={{ transform: `translateY(${barred * rowHeight - place.top}px)` }}
        >
          {renderBar(barred)}
        </div>
      )}
    </div>
  );
}

interface ListBoxProps extends VirtualListProps {
  readonly view: RefObject<HTMLDivElement | null>;
  readonly place: Place;
  readonly onPoint: (index: number) => void;
}

function ListBox(props: ListBoxProps) {
  const { label, count, rowHeight, chosen, onChoose, onOpen, marking, view, place } = props;
  const id = useId();
  const { from, to } = windowOf(place.top, place.height, rowHeight, count);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const pageRows = Math.max(1, Math.floor(place.height / rowHeight) - 1);
    const next = rowByKey(event.key, chosen, count, pageRows);
    if (next !== undefined) {
      if (event.shiftKey) marking?.onExtend(Math.max(0, chosen), next);
      if (event.shiftKey || props.onWalk === undefined) onChoose(next);
      else props.onWalk(next);
    } else if (event.key === ' ' && marking !== undefined && chosen >= 0) marking.onToggle(chosen);
    else if (event.key === 'Enter' && chosen >= 0) onOpen(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function onClick(event: MouseEvent, index: number): void {
    if (marking !== undefined && event.shiftKey) marking.onExtend(Math.max(0, chosen), index);
    else if (marking !== undefined && (event.ctrlKey || event.metaKey)) marking.onToggle(index);
    else onOpen(index);
    onChoose(index);
  }

  const rows = Array.from({ length: to - from }, (_, offset) => from + offset);
  return (
    <div
      ref={view}
      className="virtual-list"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-multiselectable={marking === undefined ? undefined : true}
      aria-activedescendant={chosen >= from && chosen < to ? `${id}-${chosen}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div className="virtual-list-all" role="presentation" style={{ height: count * rowHeight }}>
        {rows.map((index) => (
          <div
            key={index}
            id={`${id}-${index}`}
            className={index === chosen ? 'virtual-list-row virtual-list-at' : 'virtual-list-row'}
            role="option"
            aria-selected={marking?.isMarked(index) ?? index === chosen}
            aria-posinset={index + 1}
            aria-setsize={count}
            style={{ transform: `translateY(${index * rowHeight}px)`, height: rowHeight }}
            onMouseEnter={() => props.onPoint(index)}
            onClick={(event) => onClick(event, index)}
          >
            {props.renderRow(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
