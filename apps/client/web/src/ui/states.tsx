/** What stands where there is nothing to show (yet): loading, nothing there, failed. */
import { type LucideIcon, TriangleAlert } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import type { ApiProblem } from '../daemon/problem.ts';
import { useWords } from '../words/use-words.ts';
import { Button } from './button.tsx';
import './states.css';

/** Quick answers show no skeleton. */
const SKELETON_AFTER_MS = 300;

/** Grey lines in place of rows, when loading takes its time. */
export function Skeleton({ lines = 6 }: { readonly lines?: number }) {
  const { state } = useWords();
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!isShown) return undefined;
  return (
    <div className="skeleton" role="status" aria-label={state.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} className="skeleton-line" />
      ))}
    </div>
  );
}

export interface EmptyProps {
  readonly icon: LucideIcon;
  readonly children: ReactNode;
  /** The one thing to do about it. */
  readonly action?: ReactNode;
}

export function Empty({ icon: Icon, children, action }: EmptyProps) {
  return (
    <div className="empty">
      <Icon aria-hidden size={28} />
      <p>{children}</p>
      {action}
    </div>
  );
}

export interface FailedProps {
  readonly problem: ApiProblem;
  readonly retry: () => void;
}

export function Failed({ problem, retry }: FailedProps) {
  const { state } = useWords();
  return (
    <div className="empty" role="alert">
      <TriangleAlert aria-hidden size={28} />
      <p>
        {state.failed}: {problem.message}
      </p>
      <Button onPress={retry}>{state.retry}</Button>
    </div>
  );
}
