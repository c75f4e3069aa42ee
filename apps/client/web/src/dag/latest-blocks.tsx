/** The newest blocks and milestones as a table: the text form of the picture. */
import { Blocks } from 'lucide-react';
import { useRef } from 'react';
import { Empty } from '../ui/states.tsx';
import { useCount, useSpeech } from '../words/use-words.ts';
import type { DagStore, Vertex } from './dag-store.ts';
import { MarkIcon } from './mark-icon.tsx';
import { useSecond } from './use-second.ts';
import './dag.css';

const SHORT_ID = 16;
const HIDDEN = '••••••';

export interface LatestBlocksProps {
  readonly store: DagStore;
  readonly rows?: number;
  /** Where a block or a milestone is shown; without it ids are plain text. */
  readonly hrefOf?: (vertex: Vertex) => string;
  /** Ids are not shown. */
  readonly isBlind?: boolean;
  readonly nowMs?: () => number;
}

export function LatestBlocks(props: LatestBlocksProps) {
  const { store, rows = 12, hrefOf, isBlind = false, nowMs = Date.now } = props;
  const { dag } = useSpeech().words;
  const place = useRef<HTMLDivElement>(null);
  const timeMs = useSecond(place, nowMs);
  const newest = store.newest(rows);
  return (
    <div ref={place} className="dag-latest">
      {newest.length === 0 ? (
        <Empty icon={Blocks}>{dag.noBlocks}</Empty>
      ) : (
        <table>
          <caption className="sr-only">{dag.latest}</caption>
          <thead>
            <tr>
              <th scope="col">{dag.id}</th>
              <th scope="col">{dag.state}</th>
              <th scope="col">{dag.age}</th>
              <th scope="col">{dag.edges}</th>
            </tr>
          </thead>
          <tbody>
            {newest.map((vertex) => (
              <LatestRow key={vertex.id} {...{ vertex, timeMs, isBlind }} href={hrefOf?.(vertex)} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}

interface LatestRowProps {
  readonly vertex: Vertex;
  readonly timeMs: number;
  readonly href: string | undefined;
  readonly isBlind: boolean;
}

function LatestRow({ vertex, timeMs, href, isBlind }: LatestRowProps) {
  const { words, language } = useSpeech();
  const count = useCount();
  const { id, index, state, atMs, parents } = vertex;
  const shown = isBlind ? HIDDEN : id.slice(0, SHORT_ID);
  const name = index === undefined ? shown : new Intl.NumberFormat(language).format(index);
  return (
    <tr>
      <th scope="row" className="mono">
        {href === undefined ? name : <a href={href}>{name}</a>}
      </th>
      <td>
        <span className="dag-state">
          <MarkIcon state={state} />
          {words.dag.states[state]}
        </span>
      </td>
      <td className="figures">
        {count(words.dag.ago, Math.max(0, Math.round((timeMs - atMs) / 1_000)))}
      </td>
      <td className="figures">{parents.length}</td>
    </tr>
  );
}
