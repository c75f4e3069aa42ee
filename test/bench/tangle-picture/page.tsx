/**
 * The picture of the tangle with its charts and table, filled by the feed with the events of a node
 * at 50 blocks a second, after as many vertices as the address asks for (`?vertices=50000`).
 */
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { DagFeed } from '../../../apps/client/web/src/dag/dag-feed.ts';
import { DagStore } from '../../../apps/client/web/src/dag/dag-store.ts';
import { DagView } from '../../../apps/client/web/src/dag/dag-view.tsx';
import { LatestBlocks } from '../../../apps/client/web/src/dag/latest-blocks.tsx';
import { RatePlot } from '../../../apps/client/web/src/dag/rate-plot.tsx';
import { Rates } from '../../../apps/client/web/src/dag/rates.ts';
import type { Words } from '../../../apps/client/web/src/words/en.ts';
import {
  languageOf,
  loadWords,
  SpeechProvider,
} from '../../../apps/client/web/src/words/use-words.ts';
import { TangleScript } from './tangle-script.ts';

const BLOCKS_PER_SECOND = 50;
const CHART_SECONDS = 300;
const CHART_STEP_MS = 1_000;

const asked = new URLSearchParams(location.search);
const script = new TangleScript(BLOCKS_PER_SECOND, 20_261_123);
const store = new DagStore();
const rates = new Rates();
const feed = new DagFeed(store, rates);

/** The events up to a time, as the socket would bring them. */
function play(untilMs: number): void {
  for (const { atMs, message } of script.until(untilMs)) feed.take(message, atMs);
}

function Page({ words }: { readonly words: Words }) {
  const [series, setSeries] = useState(() => rates.series(Date.now(), CHART_SECONDS));
  useEffect(() => {
    const timer = setInterval(
      () => setSeries(rates.series(Date.now(), CHART_SECONDS)),
      CHART_STEP_MS,
    );
    return () => clearInterval(timer);
  }, []);
  const { seconds, received, confirmed, confirmationSeconds } = series;
  const { dag } = words;
  const blocks = [
    { label: dag.blocks, values: received },
    { label: dag.confirmed, values: confirmed },
  ];
  return (
    <>
      <h1 className="sr-only">{dag.picture}</h1>
      <DagView store={store} />
      <RatePlot title={dag.perSecond} seconds={seconds} lines={blocks} />
      <RatePlot
        title={dag.confirmed}
        seconds={seconds}
        lines={[{ label: dag.confirmed, values: confirmationSeconds }]}
        unit="s"
      />
      <LatestBlocks store={store} hrefOf={({ id }) => `#/node/block/${id}`} />
    </>
  );
}

document.documentElement.dataset['theme'] = asked.get('theme') ?? 'dark';
const language = languageOf(asked.get('language'), []);
document.documentElement.lang = language;
const words = await loadWords(language);
const vertices = Number(asked.get('vertices') ?? 0);
script.start(Date.now() - (vertices / BLOCKS_PER_SECOND) * 1_000);
play(Date.now());
setInterval(() => play(Date.now()), 1_000 / BLOCKS_PER_SECOND);
const speak = async (): Promise<void> => undefined;
createRoot(document.querySelector('#app') ?? document.body).render(
  <SpeechProvider value={{ language, words, speak }}>
    <Page words={words} />
  </SpeechProvider>,
);
