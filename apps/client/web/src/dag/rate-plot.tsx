/**
 * A line chart over time with its summary in words and the same figures as a table. The chart
 * program is loaded when the first chart is shown. Before: rates.ts; after: plot-canvas.tsx.
 */
import { ChartLine, Table } from 'lucide-react';
import { lazy, Suspense, useId, useState } from 'react';
import { IconButton } from '../ui/button.tsx';
import { Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { useSpeech } from '../words/use-words.ts';
import { extremesOf, type PlotLine, tableRows } from './plot-figures.ts';
import './plot.css';

const PlotCanvas = lazy(async () => ({
  default: (await import('./plot-canvas.tsx')).PlotCanvas,
}));

export interface RatePlotProps {
  readonly title: string;
  /** Seconds since 1970, ascending. */
  readonly seconds: readonly number[];
  readonly lines: readonly PlotLine[];
  /** Behind each figure, such as "s"; none for plain numbers. */
  readonly unit?: string;
}

export function RatePlot({ title, seconds, lines, unit = '' }: RatePlotProps) {
  const { words, language } = useSpeech();
  const { dag } = words;
  const id = useId();
  const [isTable, setTable] = useState(false);
  const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const figure = (value: number): string => `${numbers.format(value)}${unit && ` ${unit}`}`;
  const summary = lines.map(({ label, values }) => {
    const found = extremesOf(values);
    if (found === undefined) return `${label}: ${dag.noFigures}`;
    const { now, least, most } = found;
    const texts = { now: figure(now), least: figure(least), most: figure(most) };
    return fill(dag.summary, { label, ...texts });
  });
  const chart = [language, ...lines.map(({ label }) => label)].join('\n');
  return (
    <section className="plot" aria-labelledby={id}>
      <header className="plot-head">
        <h3 id={id}>{title}</h3>
        <ul className="plot-keys">
          {lines.map(({ label }, at) => (
            <li key={label} className={`plot-key plot-key-${at}`}>
              {label}
            </li>
          ))}
        </ul>
        <IconButton
          icon={isTable ? ChartLine : Table}
          label={isTable ? dag.asChart : dag.asTable}
          onPress={() => setTable(!isTable)}
        />
      </header>
      {isTable ? (
        <PlotTable {...{ title, seconds, lines, figure }} />
      ) : (
        <div className="plot-picture" role="img" aria-label={`${title}. ${summary.join('. ')}`}>
          <Suspense fallback={<Skeleton lines={3} />}>
            <PlotCanvas key={chart} {...{ seconds, lines, figure }} />
          </Suspense>
        </div>
      )}
    </section>
  );
}

interface PlotTableProps extends Pick<RatePlotProps, 'title' | 'seconds' | 'lines'> {
  readonly figure: (value: number) => string;
}

function PlotTable({ title, seconds, lines, figure }: PlotTableProps) {
  const { words, language } = useSpeech();
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  return (
    <div className="plot-table">
      <table className="figures">
        <caption className="sr-only">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{words.dag.time}</th>
            {lines.map(({ label }) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tableRows(seconds, lines).map(({ second, values }) => (
            <tr key={second}>
              <th scope="row">{time.format(second * 1_000)}</th>
              {values.map((value, at) => (
                <td key={lines[at]?.label}>{value === null ? '–' : figure(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
