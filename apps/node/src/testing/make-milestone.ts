/**
 * Makes milestones for tests that need a chain and no agreement: built on the last one, certified
 * by the test, and confirmed as any other.
 */
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type {
  ConfirmationEngine,
  ConfirmedMilestone,
} from '../confirmation/confirmation-engine.ts';
import type { Choice } from '../confirmation/speculation.ts';

/** The successor of the engine's last milestone, final when it resolves. */
export async function makeMilestone(
  engine: ConfirmationEngine,
  { view, ...choice }: Choice & { readonly view: bigint },
  certify: (built: BuiltMilestone) => Milestone,
): Promise<Outcome<ConfirmedMilestone>> {
  const built = await engine.build(engine.latest.id, view, () => choice);
  return built.ok ? await engine.confirm(certify(built.value)) : built;
}
