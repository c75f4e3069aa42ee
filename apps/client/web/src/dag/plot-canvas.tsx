/** The chart itself, drawn by uPlot in the colours of the theme. Loaded by rate-plot.tsx. */
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useSpeech } from '../words/use-words.ts';
import type { PlotLine } from './plot-figures.ts';

const HEIGHT = 200;
/** Half of the last time below the chart stands beside it. */
const RIGHT_PADDING = 40;
/** Steps that one digit behind the point can tell. */
const STEPS = [
  0.1,
  0.2,
  0.5,
  ...[1, 10, 100, 1_000, 10_000].flatMap((one) => [one, 2 * one, 5 * one]),
];
/** Lines differ by dashes as well as by colour. */
const STROKES = [
  { token: '--dag-pending', dash: [] },
  { token: '--dag-confirmed', dash: [6, 3] },
  { token: '--dag-milestone', dash: [2, 3] },
] as const;

export interface PlotCanvasProps {
  readonly seconds: readonly number[];
  readonly lines: readonly PlotLine[];
  readonly figure: (value: number) => string;
}

/** Read at each drawing, so that a new theme needs a redraw only. */
function colourAt(token: string): () => string {
  return () => getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}

interface Texts {
  readonly language: string;
  readonly figure: (value: number) => string;
}

function optionsOf(lines: readonly string[], width: number, texts: Texts): UPlot.Options {
  const { language, figure } = texts;
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  const font = `12px ${colourAt('--font')()}`;
  const axis = (values: (value: number) => string, size: number): UPlot.Axis => ({
    stroke: colourAt('--text-3'),
    grid: { stroke: colourAt('--line'), width: 1 },
    ticks: { show: false },
    font,
    size,
    values: (_, splits) => splits.map(values),
  });
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.15)] } },
    padding: [null, RIGHT_PADDING, null, null],
    axes: [
      { ...axis((second) => time.format(second * 1_000), 32), space: 90 },
      { ...axis(figure, 56), incrs: STEPS },
    ],
    series: [
      {},
      ...lines.map((label, at): UPlot.Series => {
        const { token, dash } = STROKES[at % STROKES.length] ?? STROKES[0];
        const points = { show: false };
        return {
          label,
          stroke: colourAt(token),
          dash: [...dash],
          width: 2,
          spanGaps: true,
          points,
        };
      }),
    ],
  };
}

/** Its labels and its language stay; another key makes another chart. */
export function PlotCanvas({ seconds, lines, figure }: PlotCanvasProps) {
  const { language } = useSpeech();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const first = useRef({ labels: lines.map(({ label }) => label), language, figure });

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const { labels, ...texts } = first.current;
    const nothing: UPlot.AlignedData = [[], ...labels.map(() => [])];
    const drawn = new UPlot(optionsOf(labels, element.clientWidth, texts), nothing, element);
    plot.current = drawn;
    const sizes = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    sizes.observe(element);
    const theme = new MutationObserver(() => drawn.redraw(false, true));
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      sizes.disconnect();
      theme.disconnect();
      drawn.destroy();
    };
  }, []);

  useEffect(() => {
    plot.current?.setData([[...seconds], ...lines.map(({ values }) => [...values])]);
  }, [seconds, lines]);

  return <div ref={place} className="plot-canvas" />;
}
