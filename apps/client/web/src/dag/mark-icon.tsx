/** The shape of a state beside its word; the word says it, so the shape is not read aloud. */
import type { VertexState } from './dag-store.ts';

const PATHS: Readonly<Record<VertexState, string>> = {
  tip: 'M2 1.5 11 6 2 10.5Z',
  pending: 'M2 2h8v8H2Z',
  confirmed: 'M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z',
  milestone: 'M6 .5 11.5 6 6 11.5.5 6Z',
  conflict: 'm3 1.6 3 3 3-3L10.4 3l-3 3 3 3L9 10.4l-3-3-3 3L1.6 9l3-3-3-3Z',
};

export function MarkIcon({ state }: { readonly state: VertexState }) {
  return (
    <svg aria-hidden className={`dag-mark dag-mark-${state}`} viewBox="0 0 12 12">
      <path d={PATHS[state]} />
    </svg>
  );
}
