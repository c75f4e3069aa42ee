/**
 * The live picture of the tangle with all that belongs to it: time shown, pause, search, counts,
 * legend, and the chosen vertex in words. It makes no sound by itself; its text form is
 * latest-blocks.tsx. Before: the node's screens; after: dag-canvas.tsx.
 */
import { ExternalLink, X } from 'lucide-react';
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { Button, IconButton } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { DagCanvas } from './dag-canvas.tsx';
import { DagPanel } from './dag-panel.tsx';
import { type DagStore, type Vertex, VERTEX_STATES } from './dag-store.ts';
import { DagTools } from './dag-tools.tsx';
import { MarkIcon } from './mark-icon.tsx';
import { useDagPlace } from './use-dag-place.ts';
import { useSecond } from './use-second.ts';
import { isWalkKey } from './walk.ts';
import './dag.css';

/** Digits of an id that tell it from its neighbours. */
const SHORT_ID = 12;
const NONE: ReadonlySet<string> = new Set();

export interface DagViewProps {
  readonly store: DagStore;
  /** Ids with a ring: the user's own blocks. */
  readonly mine?: ReadonlySet<string>;
  /** Opens a block or milestone in the explorer. */
  readonly onOpen?: (vertex: Vertex) => void;
  /** Ids are not shown. */
  readonly isBlind?: boolean;
  /** Milliseconds since 1970; the clock of whatever fills the store. */
  readonly nowMs?: () => number;
}

export function DagView(props: DagViewProps) {
  const { store, mine = NONE, onOpen, isBlind = false, nowMs = Date.now } = props;
  const { dag } = useWords();
  const id = useId();
  const place = useDagPlace(store, nowMs);
  const picture = useRef<HTMLDivElement>(null);
  const { chosen, choose, isPaused, heldMs, windowMs } = place;

  function onKeyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === ' ') place.togglePause();
    else if (isWalkKey(event.key)) place.walkBy(event.key);
    else if (event.key === 'Escape' && chosen !== undefined) choose(undefined);
    else if (event.key === 'Enter' && chosen !== undefined) onOpen?.(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return (
    <section className="dag" aria-labelledby={`${id}-title`}>
      <DagTools titleId={`${id}-title`} place={place} />
      <div className="dag-picture">
        <div
          ref={picture}
          className="dag-focus"
          role="application"
          // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          aria-label={dag.picture}
          aria-describedby={`${id}-help`}
          onKeyDown={onKeyDown}
        >
          <DagCanvas
            {...{ store, windowMs, heldMs, isPaused, nowMs }}
            chosenId={chosen?.id}
            ringed={mine}
            onChoose={choose}
          />
        </div>
        <ChosenVertex
          vertex={chosen}
          {...{ nowMs, onOpen, isBlind }}
          onClose={() => {
            choose(undefined);
            picture.current?.focus();
          }}
        />
      </div>
      <p id={`${id}-help`} className="sr-only">
        {dag.help}
      </p>
      <Legend hasCones={chosen !== undefined} />
      <DagPanel store={store} nowMs={nowMs} />
    </section>
  );
}

function Legend({ hasCones }: { readonly hasCones: boolean }) {
  const { dag } = useWords();
  return (
    <ul className="dag-legend" aria-label={dag.legend}>
      {VERTEX_STATES.map((state) => (
        <li key={state}>
          <MarkIcon state={state} />
          {dag.states[state]}
        </li>
      ))}
      {hasCones && <li className="dag-legend-past">{dag.past}</li>}
      {hasCones && <li className="dag-legend-future">{dag.future}</li>}
    </ul>
  );
}

interface ChosenVertexProps {
  readonly vertex: Vertex | undefined;
  readonly nowMs: () => number;
  readonly isBlind: boolean;
  readonly onOpen: ((vertex: Vertex) => void) | undefined;
  readonly onClose: () => void;
}

/** Says the chosen vertex once, when it is chosen; later changes are seen, not said. */
function ChosenVertex(props: ChosenVertexProps) {
  const { vertex, nowMs, isBlind } = props;
  const { dag } = useWords();
  const count = useCount();
  const [said, setSaid] = useState({ id: '', text: '' });
  if (vertex === undefined ? said.id !== '' : said.id !== vertex.id) {
    setSaid({ id: vertex?.id ?? '', text: vertex === undefined ? '' : describe(vertex) });
  }

  function describe({ id, index, state, atMs, parents, children }: Vertex): string {
    return fill(dag.chosen, {
      state: dag.states[state],
      id: index ?? (isBlind ? '' : id.slice(0, SHORT_ID)),
      ago: count(dag.ago, Math.max(0, Math.round((nowMs() - atMs) / 1_000))),
      parents: count(dag.parents, parents.length),
      children: count(dag.children, children.size),
    });
  }

  return (
    <>
      <p className="sr-only" role="status">
        {said.text}
      </p>
      {vertex !== undefined && <Card {...props} vertex={vertex} />}
    </>
  );
}

/** Follows what becomes of the vertex. */
function Card(props: ChosenVertexProps & { readonly vertex: Vertex }) {
  const { vertex, nowMs, isBlind, onOpen, onClose } = props;
  const { dag } = useWords();
  const count = useCount();
  const place = useRef<HTMLDivElement>(null);
  useSecond(place, nowMs);
  return (
    <div ref={place} className="dag-chosen">
      <p className="dag-chosen-state">
        <MarkIcon state={vertex.state} />
        {vertex.index === undefined
          ? dag.states[vertex.state]
          : fill(dag.milestoneOf, { n: vertex.index })}
        <IconButton icon={X} label={dag.close} onPress={onClose} />
      </p>
      {!isBlind && <p className="mono">{vertex.id.slice(0, 2 * SHORT_ID)}</p>}
      <p className="dag-chosen-edges">
        {count(dag.parents, vertex.parents.length)}, {count(dag.children, vertex.children.size)}
      </p>
      {onOpen !== undefined && (
        <Button icon={ExternalLink} onPress={() => onOpen(vertex)}>
          {dag.open}
        </Button>
      )}
    </div>
  );
}
