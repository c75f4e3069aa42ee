/** One thing at a time that a person asks of the daemon, and why it was refused. */
import { useState } from 'react';
import { ApiProblem } from '../daemon/problem.ts';
import { useData } from '../daemon/use-data.ts';
import type { Words } from '../words/en.ts';
import { useWords } from '../words/use-words.ts';

/** What calls of this face may change. Events say so too, unless their socket is away. */
const CHANGED = ['contacts', 'requests', 'invites', 'address', 'settings'];

export interface Action {
  readonly isBusy: boolean;
  /** Why the last one was refused, in words; undefined when it was not. */
  readonly problem: string | undefined;
  /** Runs it, then `done` with what it gave. */
  readonly run: <T>(work: () => Promise<T>, done: (value: T) => void) => void;
  /** Says that something is wrong before the daemon is asked. */
  readonly refuse: (text: string) => void;
}

/** A refusal in the user's language; the daemon's own words where we have none. */
export function problemText(words: Words['contacts'], error: unknown): string {
  if (!(error instanceof ApiProblem)) return String(error);
  if (error.code === 'safety-number-wrong') return words.safety.wrong;
  const known = Object.entries(words.problems).find(([code]) => code === error.code);
  return known?.[1] ?? error.message;
}

export function useAction(): Action {
  const { resources } = useData();
  const { contacts } = useWords();
  const [state, setState] = useState<Pick<Action, 'isBusy' | 'problem'>>({
    isBusy: false,
    problem: undefined,
  });
  return {
    ...state,
    run: (work, done) => {
      void (async () => {
        setState({ isBusy: true, problem: undefined });
        try {
          const value = await work();
          setState({ isBusy: false, problem: undefined });
          done(value);
          resources.invalidate(...CHANGED);
        } catch (error) {
          setState({ isBusy: false, problem: problemText(contacts, error) });
        }
      })();
    },
    refuse: (problem) => setState({ isBusy: false, problem }),
  };
}
