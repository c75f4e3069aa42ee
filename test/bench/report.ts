/** Prints measurements: an aligned table for people, one JSON object per line for programs. */
import { availableParallelism, cpus } from 'node:os';
import { goalText, isMet, type Measurement } from './bench.ts';

const COLUMNS = ['measurement', 'value', 'limit', 'unit', 'ratio', 'goal', 'met'] as const;
/** Columns of words, aligned left; all others are numbers. */
const WORDS: ReadonlySet<string> = new Set(['measurement', 'unit', 'goal', 'met']);

/** A number as people read it: three significant digits, thousands apart. */
function shortNumber(value: number | null): string {
  if (value === null) return '–';
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-GB');
  return String(Number(value.toPrecision(3)));
}

function rowOf(measurement: Measurement): string[] {
  const { name, value, limit, unit, ratio, goal } = measurement;
  const met = { true: 'yes', false: 'no', undefined: '' }[`${isMet(measurement)}`];
  const numbers = [shortNumber(value), shortNumber(limit), unit, shortNumber(ratio)];
  return [name, ...numbers, goal === null ? '' : goalText(goal), met];
}

export function formatTable(measurements: readonly Measurement[]): string {
  const rows = [[...COLUMNS], ...measurements.map(rowOf)];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) => {
    const cells = COLUMNS.map((name, column) => {
      const cell = row[column] ?? '';
      const width = widths[column] ?? 0;
      return WORDS.has(name) ? cell.padEnd(width) : cell.padStart(width);
    });
    return cells.join('  ').trimEnd();
  });
  return lines.join('\n');
}

/** `{"name","value","unit","limit","ratio","goal"}`. */
export function formatJson(measurement: Measurement): string {
  const { name, value, unit, limit, ratio, goal } = measurement;
  const text = goal === null ? null : goalText(goal);
  return JSON.stringify({ name, value, unit, limit, ratio, goal: text });
}

/** The kind of machine, without its name. */
export function machineLine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${availableParallelism()} cores (${model}), Node ${process.versions.node}`;
}
