/** Why a group could not be made or changed, in words. */
import { ApiProblem } from '../daemon/problem.ts';
import { fill } from '../words/plurals.ts';
import type { Words } from '../words/en.ts';

export function groupProblem({ groups }: Words['chat'], error: unknown): string {
  if (error instanceof ApiProblem && error.code === 'group-member-unknown') {
    return fill(groups.unknownMember, { detail: error.detail ?? '' });
  }
  return error instanceof Error ? error.message : String(error);
}
