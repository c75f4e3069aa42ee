/**
 * Joins the agreement with the rest of the node: peers carry its messages, sync takes what it made
 * final, missing parents come for what it checks. Path: parts.ts → here → agreement/.
 * Spec: docs/spec/15-consensus.md.
 */
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { MAX_REQUEST_IDS } from '@tanglemail/tangle/core/params/limits.ts';
import type { TipPool } from '@tanglemail/tangle/core/tips/tip-pool.ts';
import type { TangleNetwork } from '@tanglemail/tangle/io/libp2p/network.ts';
import type { WantedConsensus } from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import type { Verdict } from '@tanglemail/tangle/io/libp2p/verdicts.ts';
import { errorFields } from '@tanglemail/tangle/io/logger.ts';
import { Agreement } from './agreement/agreement.ts';
import type { AgreementWire, LeaderFacts } from './agreement/ports.ts';
import type { ConfirmationEngine } from './confirmation/confirmation-engine.ts';
import type { Foundation } from './foundation.ts';
import { agreementMetrics, type MetricsOfNode } from './metrics.ts';
import type { BlockProcessor, ProcessOutcome } from './processor/block-processor.ts';
import { Slasher } from './slashing/slasher.ts';
import type { MilestoneSync } from './sync/milestone-sync.ts';
import type { MissingParents } from './sync/missing-parents.ts';

/** What the agreement is joined with; parts are found when they are called. */
export interface AgreementContext {
  readonly foundation: Foundation;
  readonly metrics: MetricsOfNode;
  readonly hooks: {
    publishMilestone(bytes: Uint8Array): void;
    attach(payloadBytes: Uint8Array): Promise<ProcessOutcome>;
    onFatal(error: unknown): void;
  };
  readonly parts: {
    readonly dag: Dag;
    readonly tips: TipPool;
    readonly network: TangleNetwork;
    readonly engine: ConfirmationEngine;
    readonly processor: BlockProcessor;
    readonly missing: MissingParents;
    readonly sync: MilestoneSync;
    readonly agreement: Agreement;
    readonly slasher: Slasher;
  };
}

/** Peers that are asked for the same. */
const ASKED_PEERS = 2;

/** The agreement of this node, which listens only where the node has no seat. */
export function createAgreement(context: AgreementContext): Agreement {
  const { foundation, hooks, metrics, parts } = context;
  const { config, genesis, root, hasher, verifier, clock, committees, store } = foundation;
  const { wrapWire = (wire) => wire } = foundation;
  return new Agreement(config.agreement, {
    networkId: root.networkId,
    params: genesis.params,
    hasher,
    verifier,
    clock,
    committees,
    engine: parts.engine,
    memory: foundation.memory,
    wire: wrapWire(wireOf(context)),
    onFinal: (milestone) => parts.sync.addFinal(milestone),
    onEvidence: async (evidence) => {
      await store.saveContradiction(evidence);
      parts.slasher.accuse(evidence);
    },
    wantBlocks: (ids) => wantBlocks(parts, ids),
    leader: leaderFacts(parts),
    isFollowing: () => parts.sync.isFollowing,
    logger: foundation.logger,
    metrics: agreementMetrics(metrics.rows),
    onFatal: (error) => hooks.onFatal(error),
  });
}

/** Brings what the agreement keeps as evidence to the ledger. */
export function createSlasher({ foundation, hooks, metrics, parts }: AgreementContext): Slasher {
  const { genesis, root, hasher, committees, store, logger, memory, rewardAddress } = foundation;
  const isPatient = memory === undefined && rewardAddress === undefined;
  const { networkId } = root;
  return new Slasher(
    { networkId, params: genesis.params, rewardAddress, isPatient },
    {
      hasher,
      committees,
      kept: () => store.contradictions(),
      bondsOf: (publicKey, limit) => store.bondsOf(publicKey, limit),
      isSlashed: (consumed) => store.isSlashed(consumed),
      attach: (payloadBytes) => hooks.attach(payloadBytes),
      isFollowing: () => parts.sync.isFollowing,
      logger,
      onSlashed: () => metrics.rows.bondsSlashed.inc(),
    },
  );
}

/** A message of the topic, whose form was checked. */
export function onConsensus(
  { metrics, parts }: AgreementContext,
  bytes: Uint8Array,
): Promise<Verdict> {
  metrics.rows.agreementBytes.inc({ direction: 'in' }, bytes.length);
  const message = decodeConsensusMessage(bytes);
  return Promise.resolve(message.ok ? parts.agreement.onMessage(message.value) : message.action);
}

function wireOf({ foundation, hooks, metrics, parts }: AgreementContext): AgreementWire {
  const { logger } = foundation;
  return {
    publish: (message, attempt) => {
      const bytes = encodeConsensusMessage(message);
      metrics.rows.agreementBytes.inc({ direction: 'out' }, bytes.length);
      parts.network.publishConsensus(bytes, attempt).catch((error: unknown) => {
        logger.debug(errorFields(error), 'a message of the agreement was not published');
      });
    },
    publishMilestone: (bytes) => hooks.publishMilestone(bytes),
    ask: async (epoch, views, ids, onMessage) => {
      const except = new Set<string>();
      for (let asked = 0; asked < ASKED_PEERS; asked += 1) {
        const answer = await requestOf(parts.network, { epoch, views, ids }, except);
        if (answer === undefined) return;
        except.add(answer.peer);
        for (const bytes of answer.items) take(bytes, onMessage);
      }
    },
  };
}

/** Undefined when nobody is left to ask. */
async function requestOf(
  network: TangleNetwork,
  { epoch, views, ids }: WantedConsensus,
  except: ReadonlySet<string>,
) {
  try {
    return await network.requestConsensus(epoch, views, ids, { except });
  } catch (error) {
    if (error instanceof NetworkError) return undefined;
    throw error;
  }
}

function take(bytes: Uint8Array, onMessage: (message: ConsensusMessage) => Verdict): void {
  const message = decodeConsensusMessage(bytes);
  if (message.ok) onMessage(message.value);
}

/** Asks for what a proposal's cone lacks. */
function wantBlocks(
  { dag, missing }: Pick<AgreementContext['parts'], 'dag' | 'missing'>,
  ids: readonly BlockId[],
): void {
  missing.wantUrgently(ids.filter((id) => !dag.has(id)));
  // One that is here waits for its parents, or for theirs.
  const isHere = ids.some((id) => dag.has(id) && !dag.isSolid(id));
  if (isHere) missing.wantUrgently(dag.missingParents(MAX_REQUEST_IDS));
}

function leaderFacts({ dag, engine, processor, tips }: AgreementContext['parts']): LeaderFacts {
  return {
    waitingBlocks: () => dag.unreferencedCount,
    queueFill: () => processor.workedFill,
    confirmMs: () => engine.confirmMs,
    heaviest: (...of) => tips.heaviest(...of),
  };
}
