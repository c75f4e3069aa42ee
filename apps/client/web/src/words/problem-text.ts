/** Refusals of the daemon in the words of the user's language. */
import { ApiProblem } from '../daemon/problem.ts';
import type { Words } from './en.ts';

/** What a failed call is, in words; the daemon's own where we have none for its code. */
export function problemText({ forms }: Words, error: unknown): string {
  if (!(error instanceof ApiProblem)) return String(error);
  const known: Readonly<Record<string, string>> = forms.problems;
  return known[error.code] ?? error.message;
}
