/**
 * A MilestoneSync over a chain that only remembers what it was given, with peers in this process,
 * and certified milestones to feed it with. Used by milestone-sync.spec.ts and add-final.spec.ts.
 */
import { blockIdOf, decodeBlock, encodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import {
  GENESIS_BLOCK_ID,
  type BlockId,
  type MilestoneId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { encodeMilestone, type Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { buildMilestone, signMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { parentOf, type ParentMilestone } from '@tanglemail/tangle/core/milestone/rules.ts';
import { succeed, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { RequestOptions } from '@tanglemail/tangle/io/libp2p/requester.ts';
import { NetworkError } from '@tanglemail/tangle/io/libp2p/types.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { committeesOf } from '../../committees.ts';
import type {
  ConfirmationEngine,
  ConfirmedMilestone,
} from '../../confirmation/confirmation-engine.ts';
import type { KeyPair } from '../../keys/key-file.ts';
import type { ProcessOutcome } from '../../processor/block-processor.ts';
import { TEST_PARAMS, testGenesis, VALIDATOR_KEY } from '../../testing/test-network.ts';
import { MilestoneSync } from '../milestone-sync.ts';

/** The network of these tests. */
export const GENESIS = testGenesis();
export const ROOT = genesisMilestone(GENESIS, nobleHasher);

/** A certified milestone on `parent`; with `block` it references that one, else nothing new. */
export function certified(
  parent: ParentMilestone,
  { block, delayMs = 0, key = VALIDATOR_KEY }: CertifiedOptions = {},
): Milestone {
  const loaded = block === undefined ? undefined : checked(block);
  const built = buildMilestone(
    {
      parent,
      parents: [loaded?.id ?? GENESIS_BLOCK_ID],
      timestampMs: parent.header.timestampMs + TEST_PARAMS.heartbeatMs + delayMs,
      view: parent.header.view + 1n,
    },
    {
      params: TEST_PARAMS,
      hasher: nobleHasher,
      verifier: nobleVerifier,
      blocks: { get: (id) => (id === loaded?.id ? loaded : undefined) },
      outputs: () => 'unknown',
      rootIndexOf: (id) => (id === GENESIS_BLOCK_ID ? 0 : undefined),
    },
  );
  if (!built.ok) throw new Error(built.code);
  const { header, body } = built.value;
  const signer = { networkId: ROOT.networkId, seat: 0, secretKey: key.secretKey };
  const certificate = assembleCertificate(
    [signMilestone(header, 'finalize', signer, nobleHasher)],
    1,
  );
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}

interface CertifiedOptions {
  readonly block?: Uint8Array;
  readonly delayMs?: number;
  readonly key?: KeyPair;
}

/** Another `delayMs` makes another milestone of the same index. */
export function heartbeat(parent: ParentMilestone, delayMs = 0, key = VALIDATOR_KEY): Milestone {
  return certified(parent, { delayMs, key });
}

/** A block with this text on genesis; its proof of work is not looked at here. */
export function blockOf(text: string): Uint8Array {
  const data = Buffer.from(text);
  const payload = { kind: 'tagged-data', tag: Buffer.from('t'), data } as const;
  const { networkId } = ROOT;
  const parents = [GENESIS_BLOCK_ID];
  return encodeBlock({ version: 1, networkId, parents, payload, nonce: 0n });
}

/** A block with its id, as the rules take it. */
export function checked(bytes: Uint8Array) {
  const block = decodeBlock(bytes);
  if (!block.ok) throw new Error(block.code);
  return { id: blockIdOf(bytes, nobleHasher), block: block.value };
}

/** The state after a milestone that leaves the ledger as it was. */
export function after(milestone: Milestone, parent: ParentMilestone): ParentMilestone {
  const { index, timestampMs } = milestone.header;
  const diff = { index, timestampMs, created: [], consumed: [] };
  const { stateTree } = parent;
  const rules = { params: TEST_PARAMS, hasher: nobleHasher };
  return parentOf(milestone, parent, { stateTree, diff }, rules);
}

/** Milestones 1 … count. */
export function chain(count: number): Milestone[] {
  const milestones: Milestone[] = [];
  let parent = ROOT.parent;
  for (let index = 0; index < count; index++) {
    const milestone = heartbeat(parent);
    milestones.push(milestone);
    parent = after(milestone, parent);
  }
  return milestones;
}

/** Milestones that reference one block each. */
export function chainOf(blocks: readonly Uint8Array[]): Milestone[] {
  const milestones: Milestone[] = [];
  let parent = ROOT.parent;
  for (const block of blocks) {
    const milestone = certified(parent, { block });
    milestones.push(milestone);
    parent = after(milestone, parent);
  }
  return milestones;
}

/** A peer in this process. */
export interface FakePeer {
  /** What its STATUS says. */
  says: number;
  prunedIndex: number;
  /** What it has. */
  has: Milestone[];
  /** The cones that it sends, by index. */
  cones: Map<number, Uint8Array[]>;
}

/** A sync over a chain that only remembers what it was given, and peers in this process. */
export class SyncWorld {
  latest = ROOT.parent;
  halted: string | undefined;
  refuse: Outcome<ConfirmedMilestone> | undefined;
  refuseBlocks: ProcessOutcome | undefined;
  readonly confirmed: Milestone[] = [];
  readonly evidence: number[] = [];
  readonly urgent: BlockId[] = [];
  readonly asked: string[] = [];
  readonly blamed: string[] = [];
  readonly proven: number[] = [];
  readonly heard: MilestoneId[] = [];
  readonly released: string[] = [];
  readonly warnings: string[] = [];
  /** Signatures that were checked. */
  checks = 0;
  readonly solid = new Set<BlockId>([GENESIS_BLOCK_ID]);
  readonly peers = new Map<string, FakePeer>();
  isPaused = false;
  /** What happens while a milestone waits for its turn to be confirmed. */
  meanwhile: (() => Outcome<ConfirmedMilestone>) | undefined;
  failure: Error | undefined;
  readonly fatal: unknown[] = [];
  readonly sync: MilestoneSync;

  /** @param params with `validatorBondMin` above 0 no committee is known ahead. */
  constructor(params: NetworkParams = GENESIS.params, committee = GENESIS.committee) {
    const engine = {
      confirm: (milestone: Milestone) => this.#confirm(milestone),
      halt: (reason: string) => {
        this.halted ??= reason;
      },
    };
    Object.defineProperty(engine, 'latest', { get: () => this.latest });
    Object.defineProperty(engine, 'halted', { get: () => this.halted });
    const isSolid = (id: BlockId) => this.solid.has(id);
    this.sync = new MilestoneSync({
      networkId: ROOT.networkId,
      params,
      committees: committeesOf({ params, genesis: committee, elections: [], latestIndex: 0 }),
      hasher: nobleHasher,
      verifier: {
        verify: (...claim) => {
          this.checks += 1;
          return nobleVerifier.verify(...claim);
        },
      },
      engine: engine as unknown as ConfirmationEngine,
      dag: { isSolid, has: isSolid, missingParents: () => [] },
      store: {
        milestoneIdAt: async () => await Promise.resolve(this.latest.id),
        saveEvidence: async (index) => {
          this.evidence.push(index);
          await Promise.resolve();
        },
      },
      milestoneBytes: (index) => {
        const milestone = this.confirmed.find(({ header }) => header.index === index);
        return milestone && encodeMilestone(milestone);
      },
      missing: {
        want: () => undefined,
        wantUrgently: (ids) => this.urgent.push(...ids),
        pause: () => {
          this.isPaused = true;
        },
        resume: () => {
          const wasPaused = this.isPaused;
          this.isPaused = false;
          return wasPaused;
        },
      },
      submit: async (bytes) => await Promise.resolve(this.#submit(bytes)),
      submitHeld: async (bytes) => {
        this.released.push(Buffer.from(bytes).toString());
        await Promise.resolve();
      },
      onProven: ({ header }) => this.proven.push(header.index),
      onHeard: (id) => this.heard.push(id),
      expectsPeers: true,
      network: this.#network(),
      logger: { ...SILENT_LOGGER, warn: (_fields, text) => this.warnings.push(text ?? '') },
      onFatal: (error) => this.fatal.push(error),
    });
  }

  /** A peer that has milestones and says so. */
  peer(id: string, has: Milestone[], changes: Partial<FakePeer> = {}): FakePeer {
    const says = has.at(-1)?.header.index ?? 0;
    const peer = { says, prunedIndex: 0, has, cones: new Map<number, Uint8Array[]>(), ...changes };
    this.peers.set(id, peer);
    return peer;
  }

  #submit(bytes: Uint8Array): ProcessOutcome {
    if (this.refuseBlocks !== undefined) return this.refuseBlocks;
    const blockId = blockIdOf(bytes, nobleHasher);
    this.solid.add(blockId);
    return succeed({ blockId, isNew: true });
  }

  #network() {
    const pick = ({ peer, only, except }: RequestOptions, has: (one: FakePeer) => boolean) => {
      if (this.failure instanceof NetworkError) throw this.failure;
      const able = [...this.peers].filter(
        ([id]) => except?.has(id) !== true && (only !== true || id === peer),
      );
      const found = able.find(([, one]) => has(one)) ?? able[0];
      if (found === undefined) throw new NetworkError('no-peers', 'nobody');
      return found;
    };
    return {
      requestMilestones: async (from: number, count: number, options: RequestOptions) => {
        const isHere = ({ header }: Milestone) => header.index >= from;
        const [peer, { has }] = pick(options, (one) => one.has.some(isHere));
        this.asked.push(`${peer} milestones ${from}`);
        const items = has
          .filter((one) => isHere(one) && one.header.index < from + count)
          .map((milestone) => encodeMilestone(milestone));
        return await Promise.resolve({ items, complete: true, peer });
      },
      requestCones: async (from: number, count: number, options: RequestOptions) => {
        const [peer, { cones }] = pick(options, (one) => one.cones.has(from));
        this.asked.push(`${peer} cones ${from}+${count}`);
        const found: Uint8Array[][] = [];
        for (let index = from; index < from + count; index++) {
          const cone = cones.get(index);
          if (cone === undefined) break;
          found.push(cone);
        }
        return await Promise.resolve({ cones: found, peer });
      },
      requestCone: async (index: number, options: RequestOptions) => {
        const [peer, { cones }] = pick(options, (one) => one.cones.has(index));
        return await Promise.resolve({ items: cones.get(index) ?? [], complete: true, peer });
      },
      requestBlocks: async () => await Promise.resolve([]),
      blameAnswer: (peer: string, finding: string) => this.blamed.push(`${peer} ${finding}`),
      peers: () =>
        Array.from(this.peers, ([id, { says, prunedIndex }]) => ({
          id,
          status: { solidIndex: says, latestIndex: says, prunedIndex, peers: 0 },
        })),
    };
  }

  async #confirm(milestone: Milestone): Promise<Outcome<ConfirmedMilestone>> {
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    if (this.meanwhile !== undefined) return this.meanwhile();
    if (this.refuse !== undefined) return this.refuse;
    this.confirmed.push(milestone);
    this.latest = after(milestone, this.latest);
    return succeed({ milestone } as ConfirmedMilestone);
  }

  /** A milestone comes by gossip. */
  gossip(milestone: Milestone) {
    return this.sync.onMilestone(encodeMilestone(milestone));
  }
}
