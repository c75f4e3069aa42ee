/** A resource while it loads, when it failed, and when it is there. */
import type { ReactNode } from 'react';
import { useData, useResource } from '../daemon/use-data.ts';
import { Failed, Skeleton } from './states.tsx';

export interface LoadedProps<T> {
  readonly path: string;
  readonly children: (value: T) => ReactNode;
}

export function Loaded<T>({ path, children }: LoadedProps<T>) {
  const { resources } = useData();
  const { value, problem } = useResource<T>(path);
  if (value !== undefined) return <>{children(value)}</>;
  if (problem === undefined) return <Skeleton lines={2} />;
  return <Failed problem={problem} retry={() => resources.invalidate(path)} />;
}
