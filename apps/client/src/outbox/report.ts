/**
 * One mail to several people in one line: the state that holds for all, and how many have come
 * further. Before: the local API; after: outbox-entry.ts. Spec: docs/spec/42-delivery.md.
 */
import type { OutboxEntry } from '../store/outbox-collections.ts';

type State = OutboxEntry['state'];

/** From nothing to everything; what failed or was taken back stands apart. */
const STEPS = [
  'scheduled',
  'queued',
  'attached',
  'confirmed',
  'stored',
  'fetched',
  'read',
] as const satisfies readonly State[];

export interface Report {
  /** What holds for every recipient whose mail did not fail. */
  readonly weakest: State;
  readonly furthest: { readonly state: State; readonly count: number };
  readonly failedCount: number;
  /** Nobody got it, and nobody will. */
  readonly isFailed: boolean;
  /** `fetched by 3 of 4`. */
  readonly summary: string;
}

const stepOf = (state: State): number => (STEPS as readonly State[]).indexOf(state);

/** The report over the entries of one mail, at least one. */
export function reportOf(entries: readonly Pick<OutboxEntry, 'state'>[]): Report {
  const isBad = ({ state }: Pick<OutboxEntry, 'state'>): boolean => stepOf(state) < 0;
  const bad = entries.filter(isBad);
  const steps = entries.filter((one) => !isBad(one)).map(({ state }) => stepOf(state));
  const failedCount = bad.length;
  if (steps.length === 0) {
    const state = bad[0]?.state ?? 'failed';
    const isFailed = bad.some((one) => one.state !== 'recalled');
    const furthest = { state, count: failedCount };
    const summary = line(state, failedCount, entries.length);
    return { weakest: state, furthest, failedCount, isFailed, summary };
  }
  const weakest = STEPS[Math.min(...steps)] ?? 'queued';
  const best = Math.max(...steps);
  const state = STEPS[best] ?? 'queued';
  const count = steps.filter((step) => step === best).length;
  const failed = failedCount === 0 ? '' : `, ${failedCount} failed`;
  const summary = `${line(state, count, entries.length)}${failed}`;
  return { weakest, furthest: { state, count }, failedCount, isFailed: false, summary };
}

/** The state alone where it is everybody's. */
function line(state: State, count: number, total: number): string {
  if (count === total) return state;
  const isTheirs = state === 'fetched' || state === 'read';
  return `${state} ${isTheirs ? 'by' : 'for'} ${count} of ${total}`;
}
