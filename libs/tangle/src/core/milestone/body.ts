/**
 * That a milestone's body is the one its header names. Signatures and certificates cover the header
 * alone, so whoever passes a milestone on could exchange its body: every reader of one checks this
 * before it keeps it. Spec: docs/spec/04-milestone.md §4.
 */
import { equalBytes } from '@noble/curves/utils.js';
import { optionsRootOf, type MilestoneBody, type MilestoneHeader } from '../codec/milestone.ts';
import { rootOfIds } from '../ledger/apply-milestone.ts';
import { fail, succeed, type Outcome } from '../outcome.ts';
import type { Hasher } from '../ports.ts';

/** Code: `milestone-root`; the detail names the root. */
export function checkMilestoneBody(
  { header, body }: { readonly header: MilestoneHeader; readonly body: MilestoneBody },
  hasher: Hasher,
): Outcome<void> {
  if (!equalBytes(header.parentsRoot, rootOfIds(body.parents, hasher))) {
    return fail('milestone-root', 'parentsRoot');
  }
  return equalBytes(header.optionsRoot, optionsRootOf(body.options, hasher))
    ? succeed(undefined)
    : fail('milestone-root', 'optionsRoot');
}
