/** What every page of the explorer has: its head, links to others, the raw answer. */
import type { ReactNode } from 'react';
import type { Resource } from '../daemon/resources.ts';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { Id, IdLink } from './id.tsx';
import { ScrollRegion } from './scroll-region.tsx';
import { useBlindness, useNode } from './use-node.ts';

export interface ThingProps<T> {
  /** What it is, in words. */
  readonly title: string;
  readonly id: string;
  /** Where it is asked for. */
  readonly path: string;
  readonly resource: Resource<T>;
  readonly children: (value: T) => ReactNode;
}

/** A panel with the thing in it, once it is there. */
export function Thing<T>({ title, id, path, resource, children }: ThingProps<T>) {
  const { resources } = useNode();
  const { value, problem } = resource;
  return (
    <article className="node-panel" aria-labelledby="node-thing">
      <h2 id="node-thing">{title}</h2>
      <Id value={id} />
      {value === undefined && problem === undefined && <Skeleton lines={3} />}
      {value === undefined && problem !== undefined && (
        <Failed problem={problem} retry={() => resources.invalidate(path)} />
      )}
      {value !== undefined && children(value)}
      {value !== undefined && <Raw value={value} />}
    </article>
  );
}

/** Characters of a raw answer that are shown. */
const MAX_RAW = 20_000;

function Raw({ value }: { readonly value: unknown }) {
  const { node } = useWords();
  const { isBlind } = useBlindness();
  if (isBlind) return undefined;
  const text = JSON.stringify(value, undefined, 2);
  return (
    <details>
      <summary>{node.raw}</summary>
      <ScrollRegion label={node.raw}>
        <pre className="mono">{text.length > MAX_RAW ? `${text.slice(0, MAX_RAW)}…` : text}</pre>
      </ScrollRegion>
    </details>
  );
}

export interface IdListProps {
  readonly label: string;
  readonly kind: string;
  readonly ids: readonly string[];
}

/** Ids of a list that are shown. */
const MAX_IDS = 100;

export function IdList({ label, kind, ids }: IdListProps) {
  const { node } = useWords();
  return (
    <div>
      <h3>{label}</h3>
      {ids.length === 0 ? (
        <p>{node.nothing}</p>
      ) : (
        <ul className="node-ids">
          {ids.slice(0, MAX_IDS).map((id) => (
            <li key={id}>
              <IdLink kind={kind} value={id} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
