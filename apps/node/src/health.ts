/**
 * Whether a node can be relied on: it follows its network closely, has peers, and the network
 * moves. The reasons are for operators and name no secret. Spec: docs/spec/11-node-api.md,
 * "Health".
 */
import type { HealthDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type { NodeConfig } from './config/schema.ts';

export interface HealthFacts {
  /** Why nothing is confirmed any more; undefined while all is well. */
  readonly halted: string | undefined;
  readonly confirmedIndex: number;
  readonly confirmedTimestampMs: number;
  /** Newest index with a certificate that was checked. */
  readonly latestIndex: number;
  /** Why the node cannot catch up by itself; undefined while it can. */
  readonly problem?: string | undefined;
  readonly peers: number;
  readonly nowMs: number;
}

/** Judges the facts by the configured bounds. */
export function judgeHealth(facts: HealthFacts, config: NodeConfig): HealthDto {
  const { maxMilestonesBehind, maxMilestoneAgeMs } = config.health;
  const minPeers = config.health.minPeers ?? (config.gossip.peers.length > 0 ? 1 : 0);
  const reasons: string[] = [];
  if (facts.halted !== undefined) reasons.push(`confirmation stopped: ${facts.halted}`);
  const behind = facts.latestIndex - facts.confirmedIndex;
  if (behind > maxMilestonesBehind) reasons.push(`${behind} milestones behind`);
  if (facts.problem !== undefined) reasons.push(facts.problem);
  if (facts.peers < minPeers) reasons.push(`${facts.peers} peers, ${minPeers} wanted`);
  const ageMs = facts.nowMs - facts.confirmedTimestampMs;
  if (ageMs >= maxMilestoneAgeMs) {
    reasons.push(`the latest milestone is ${Math.round(ageMs / 1_000)} s old`);
  }
  return { healthy: reasons.length === 0, reasons };
}
