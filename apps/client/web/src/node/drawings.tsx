/**
 * The tangle as a live picture and its rates as charts, filled by the node's events. What they have
 * heard is kept while the page is open. Loaded when first needed. After: ../dag/dag-view.tsx.
 */
import { useEffect, useState } from 'react';
import { DagFeed } from '../dag/dag-feed.ts';
import { DagStore, type Vertex } from '../dag/dag-store.ts';
import { DagView } from '../dag/dag-view.tsx';
import { LatestBlocks } from '../dag/latest-blocks.tsx';
import { RatePlot } from '../dag/rate-plot.tsx';
import { Rates } from '../dag/rates.ts';
import { go, hrefOf } from '../frame/route.ts';
import { useWords } from '../words/use-words.ts';
import type { LiveFeed } from './live-feed.ts';
import { useBlindness, useNode } from './use-node.ts';

const CHART_SECONDS = 300;
const CHART_STEP_MS = 1_000;

interface Tangle {
  readonly store: DagStore;
  readonly rates: Rates;
}

const tangles = new WeakMap<LiveFeed, Tangle>();

/** What was heard of a node; it goes on listening when nothing is drawn. */
function tangleOf(live: LiveFeed): Tangle {
  const known = tangles.get(live);
  if (known !== undefined) return known;
  const fresh: Tangle = { store: new DagStore(), rates: new Rates() };
  tangles.set(live, fresh);
  fresh.rates.begin(Date.now());
  live.subscribe(new DagFeed(fresh.store, fresh.rates));
  return fresh;
}

function placeOf({ id, index }: Vertex): readonly string[] {
  return index === undefined ? ['node', 'block', id] : ['node', 'milestone', `${index}`];
}

function Picture() {
  const { live } = useNode();
  const { isBlind } = useBlindness();
  const open = (vertex: Vertex): void => go(...placeOf(vertex));
  return <DagView store={tangleOf(live).store} isBlind={isBlind} onOpen={open} />;
}

function Charts() {
  const { dag, node } = useWords();
  const { live } = useNode();
  const { rates } = tangleOf(live);
  const [series, setSeries] = useState(() => rates.series(Date.now(), CHART_SECONDS));
  useEffect(() => {
    const look = (): void => {
      if (!document.hidden) setSeries(rates.series(Date.now(), CHART_SECONDS));
    };
    const timer = setInterval(look, CHART_STEP_MS);
    return () => clearInterval(timer);
  }, [rates]);
  const { seconds, received, confirmed, confirmationSeconds } = series;
  return (
    <div className="node-charts">
      <RatePlot
        title={node.blocksPerSecond}
        seconds={seconds}
        lines={[
          { label: dag.blocks, values: received },
          { label: dag.confirmed, values: confirmed },
        ]}
      />
      <RatePlot
        title={node.confirmation}
        seconds={seconds}
        lines={[{ label: dag.confirmed, values: confirmationSeconds }]}
        unit="s"
      />
    </div>
  );
}

/** For the overview. */
export function Drawings() {
  return (
    <>
      <Picture />
      <Charts />
    </>
  );
}

/** The picture at full height, with its text form below. */
export function DagPage() {
  const { dag } = useWords();
  const { live } = useNode();
  const { isBlind } = useBlindness();
  return (
    <>
      <div className="node-dag">
        <Picture />
      </div>
      <Charts />
      <section className="node-panel" aria-labelledby="node-dag-latest">
        <h2 id="node-dag-latest">{dag.latest}</h2>
        <LatestBlocks
          store={tangleOf(live).store}
          isBlind={isBlind}
          hrefOf={(vertex) => hrefOf(...placeOf(vertex))}
        />
      </section>
    </>
  );
}
