/** What the picture holds in figures, brought up to date once a second. */
import { useRef } from 'react';
import { useSpeech } from '../words/use-words.ts';
import type { DagStore } from './dag-store.ts';
import { useSecond } from './use-second.ts';

/** Blocks per second are counted over this time. */
const RATE_SPAN_MS = 10_000;

export interface DagPanelProps {
  readonly store: DagStore;
  readonly nowMs: () => number;
}

export function DagPanel({ store, nowMs }: DagPanelProps) {
  const { words, language } = useSpeech();
  const { dag } = words;
  const place = useRef<HTMLDListElement>(null);
  const timeMs = useSecond(place, nowMs);
  const { counts } = store;
  const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const figures: readonly (readonly [string, number])[] = [
    [dag.blocks, store.received],
    [dag.perSecond, store.rate(timeMs, RATE_SPAN_MS)],
    [dag.tips, counts.tip],
    [dag.confirmed, counts.confirmed],
    [dag.conflicting, counts.conflict],
  ];
  return (
    <dl ref={place} className="dag-panel figures">
      {figures.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{numbers.format(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
