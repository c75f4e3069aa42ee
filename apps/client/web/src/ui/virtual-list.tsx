/**
 * A list of any length of which only the rows in view are in the page. One tab stop; arrows, j and
 * k, Home, End and the page keys move the chosen row. Assistive programs are told place and total
 * of every row (ARIA listbox with an active descendant).
 */
import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { rowByKey, scrollTopFor, windowOf } from './windowing.ts';
import './virtual-list.css';

export interface VirtualListProps {
  readonly label: string;
  /** Rows in all, also of those that are not loaded yet. */
  readonly count: number;
  readonly rowHeight: number;
  /** -1 when none is chosen. */
  readonly chosen: number;
  readonly onChoose: (index: number) => void;
  /** Enter on the chosen row. */
  readonly onOpen: (index: number) => void;
  readonly renderRow: (index: number) => ReactNode;
  /** Asked for rows that come into view. */
  readonly onView?: (from: number, to: number) => void;
}

/** How far an element is scrolled, and how high it is. */
function useScrollPlace(view: RefObject<HTMLDivElement | null>): {
  readonly top: number;
  readonly height: number;
} {
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
  const { label, count, rowHeight, chosen, onChoose, onOpen, renderRow, onView } = props;
  const id = useId();
  const view = useRef<HTMLDivElement>(null);
  const place = useScrollPlace(view);
  const { from, to } = windowOf(place.top, place.height, rowHeight, count);
  useEffect(() => onView?.(from, to), [onView, from, to]);
  useEffect(() => {
    const element = view.current;
    if (element === null || chosen < 0) return;
    element.scrollTop = scrollTopFor(chosen, element.scrollTop, element.clientHeight, rowHeight);
  }, [chosen, rowHeight]);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const pageRows = Math.max(1, Math.floor(place.height / rowHeight) - 1);
    const next = rowByKey(event.key, chosen, count, pageRows);
    if (next !== undefined) onChoose(next);
    else if ((event.key === 'Enter' || event.key === 'o') && chosen >= 0) onOpen(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const rows = Array.from({ length: to - from }, (_, offset) => from + offset);
  return (
    <div
      ref={view}
      className="virtual-list"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={chosen >= from && chosen < to ? `${id}-${chosen}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div className="virtual-list-all" role="presentation" style={{ height: count * rowHeight }}>
        {rows.map((index) => (
          <div
            key={index}
            id={`${id}-${index}`}
            className="virtual-list-row"
            role="option"
            aria-selected={index === chosen}
            aria-posinset={index + 1}
            aria-setsize={count}
            style={{ transform: `translateY(${index * rowHeight}px)`, height: rowHeight }}
            onClick={() => {
              onChoose(index);
              onOpen(index);
            }}
          >
            {renderRow(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
