/**
 * Whether a node can be relied on: it follows its network closely, has peers, and the network
 * moves. A pure function over one table of reasons, which are for operators and name no secret.
 * Spec: docs/spec/11-node-api.md, "Health".
 */
import type { HealthDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { expectsPeers } from './config/network-options.ts';
import type { NodeConfig } from './config/schema.ts';

export interface HealthFacts {
  /** Why nothing is confirmed any more; undefined while all is well. */
  readonly halted: string | undefined;
  readonly confirmedIndex: number;
  readonly confirmedTimestampMs: number;
  /** Newest index with a certificate that was checked. */
  readonly latestIndex: number;
  /** What keeps the node from following, in words; undefined or absent while nothing does. */
  readonly problem?: string | undefined;
  readonly peers: number;
  readonly nowMs: number;
  /** How far the clock leads (above zero) or lags the network; 0 or absent while it is right. */
  readonly clockLeadMs?: number;
  /** Whether blocks wait that a milestone could take. */
  readonly isWaiting?: boolean;
  /** Why this node's seat does not speak, though it could; undefined or absent while it may. */
  readonly seatSilent?: string | undefined;
}

type Rule = (facts: HealthFacts, config: NodeConfig) => string | undefined;

/** Each rule gives a reason in words, or undefined when there is nothing to say. */
const RULES: readonly Rule[] = [
  ({ halted }) => (halted === undefined ? undefined : `confirmation stopped: ${halted}`),
  ({ latestIndex, confirmedIndex }, { health }) => {
    const behind = latestIndex - confirmedIndex;
    return behind > health.maxMilestonesBehind ? `${behind} milestones behind` : undefined;
  },
  ({ problem }) => problem,
  ({ seatSilent }) => (seatSilent === undefined ? undefined : `the seat is silent: ${seatSilent}`),
  ({ peers }, config) => {
    const wanted = config.health.minPeers ?? (expectsPeers(config) ? 1 : 0);
    return peers < wanted ? `${peers} peers, ${wanted} wanted` : undefined;
  },
  ({ clockLeadMs = 0 }) => {
    if (clockLeadMs === 0) return undefined;
    const seconds = Math.round(Math.abs(clockLeadMs) / 1_000);
    const where = clockLeadMs > 0 ? 'ahead of' : 'behind';
    return `this machine’s clock is ${seconds} s ${where} the network`;
  },
  (facts, { health }) => {
    const ageMs = ageOf(facts);
    if (ageMs < health.maxMilestoneAgeMs) return undefined;
    return `the latest milestone is ${Math.round(ageMs / 1_000)} s old`;
  },
  (facts, { health }) => {
    const ageMs = ageOf(facts);
    if (facts.isWaiting !== true || ageMs < health.maxStandstillMs) return undefined;
    return `no milestone for ${Math.round(ageMs / 1_000)} s though blocks wait`;
  },
];

function ageOf({ nowMs, confirmedTimestampMs, clockLeadMs = 0 }: HealthFacts): number {
  return nowMs - confirmedTimestampMs - clockLeadMs;
}

/** Judges the facts by the configured bounds. */
export function judgeHealth(facts: HealthFacts, config: NodeConfig): HealthDto {
  const reasons = RULES.map((rule) => rule(facts, config)).filter((one) => one !== undefined);
  return { healthy: reasons.length === 0, reasons };
}
