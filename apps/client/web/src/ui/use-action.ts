/** Something that the user has done, while it runs and when it fails. */
import { useState } from 'react';
import { problemText } from '../words/problem-text.ts';
import { useWords } from '../words/use-words.ts';
import { useToast } from './toasts.tsx';

export interface Action {
  readonly isRunning: boolean;
  /** Why the last one failed, in words. */
  readonly fault: string | undefined;
  /** Says `done` when it went well. */
  readonly run: (work: () => Promise<void>, done?: string) => void;
}

export function useAction(): Action {
  const words = useWords();
  const toast = useToast();
  const [state, setState] = useState<{ isRunning: boolean; fault: string | undefined }>({
    isRunning: false,
    fault: undefined,
  });
  async function go(work: () => Promise<void>, done?: string): Promise<void> {
    setState({ isRunning: true, fault: undefined });
    try {
      await work();
      setState({ isRunning: false, fault: undefined });
      if (done !== undefined) toast({ text: done });
    } catch (error) {
      setState({ isRunning: false, fault: problemText(words, error) });
    }
  }
  return { ...state, run: (work, done) => void go(work, done) };
}
