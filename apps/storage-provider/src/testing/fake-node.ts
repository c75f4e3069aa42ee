/**
 * A node in memory for tests: the real ledger rules and certificates of the tangle library's test
 * chain behind the ports that the provider uses. Not part of production.
 */
import { GENESIS_BLOCK_ID } from '@tanglemail/tangle/core/codec/ids.ts';
import type { BlockId, OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { outputIdOf } from '@tanglemail/tangle/core/codec/ids.ts';
import type { ChannelOutput, Output } from '@tanglemail/tangle/core/codec/output.ts';
import { decodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { TrustedMilestone } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { TestChain } from '@tanglemail/tangle/core/testing/chain-fixture.ts';
import type { FinalMilestone } from '@tanglemail/tangle/core/testing/chain-fixture.ts';
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import { NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import type { MilestoneSource } from '../feed/feed.ts';
import type { BlockState, LedgerOutput, LedgerPort } from '../payments/ledger-port.ts';

/** Has all tokens of the test chain's genesis. */
const RICH = keyPair(1);

export class FakeNode implements LedgerPort, MilestoneSource {
  readonly chain = new TestChain(1);
  /** Milestones 1, 2, … */
  readonly milestones: FinalMilestone[] = [];
  /** Payloads in the order in which they were put into blocks. */
  readonly attached: Payload[] = [];
  /** How far the wall clock is ahead of the last milestone. */
  clockAheadMs = 0;
  /** What is free on the disk of the provider beside it. */
  freeBytes = Number.MAX_SAFE_INTEGER;
  /** Milestones that the node does not have any more. */
  readonly pruned = new Set<number>();
  /** Throws at every call while true. */
  isAway = false;
  /** Thrown at every call: an error that is not the network's. */
  failure: Error | undefined;
  /** Blocks are accepted and never confirmed while true. */
  isCongested = false;
  readonly #outputs = new Map<OutputId, LedgerOutput>();
  readonly #lightClient = LightClient.fromGenesis(this.chain.genesis);
  #tip: BlockId = GENESIS_BLOCK_ID;

  constructor() {
    for (const { outputId, output } of this.chain.start.outputs) {
      this.#outputs.set(outputId, { output });
    }
  }

  /** Timestamp of the last milestone. */
  get nowMs(): number {
    return this.chain.parent.header.timestampMs;
  }

  /** The next milestone, `seconds` after the last one, over everything attached so far. */
  confirm(seconds = 1, payloads: readonly Payload[] = []): FinalMilestone {
    for (const payload of payloads) this.#put(payload);
    // Something of its own keeps a milestone from being an empty one before its heartbeat.
    this.#put(null);
    const timestampMs = this.nowMs + seconds * 1_000;
    const milestone = this.chain.confirm([this.#tip], { timestampMs });
    this.milestones.push(milestone);
    const { created, consumed } = milestone.result.diff;
    for (const { outputId, output } of created) this.#outputs.set(outputId, { output });
    for (const { outputId, output, transactionId } of consumed) {
      this.#outputs.set(outputId, { output, spentBy: transactionId });
    }
    return milestone;
  }

  /** A transaction of the rich key that creates `output` first, and the output's id. */
  fund(output: Output): { payload: Payload; outputId: OutputId; transactionId: TransactionId } {
    const unspent = [...this.chain.ledger.unspent.values()];
    const own = unspent.filter(
      ({ output: one }) => one.kind === 'basic' && one.address === RICH.address,
    );
    const built = buildTransaction({
      networkId: this.chain.networkId,
      inputs: own.map(({ outputId, output: one }) => ({
        outputId,
        output: one,
        unlock: { kind: 'signature', secretKey: RICH.secretKey },
      })),
      outputs: [output],
      changeAddress: RICH.address,
      params: this.chain.genesis.params,
      hasher: nobleHasher,
    });
    if (!built.ok) throw new Error(built.code);
    const { transaction, transactionId } = built.value;
    return { payload: transaction, transactionId, outputId: outputIdOf(transactionId, 0) };
  }

  /** Opens a channel and confirms it. */
  openChannel(output: ChannelOutput): OutputId {
    const { payload, outputId } = this.fund(output);
    this.confirm(1, [payload]);
    return outputId;
  }

  /** Sum of the unspent basic outputs of an address. */
  balanceOf(address: string): bigint {
    return [...this.chain.ledger.unspent.values()].reduce(
      (sum, { output }) =>
        output.kind === 'basic' && output.address === address ? sum + output.amount : sum,
      0n,
    );
  }

  async output(id: OutputId): Promise<LedgerOutput | undefined> {
    this.#answer();
    return this.#outputs.get(id);
  }

  async attach(payload: Uint8Array): Promise<BlockId> {
    const decoded = decodePayload(payload);
    if (!decoded.ok) throw new Error(decoded.code);
    return this.publish(decoded.value);
  }

  async publish(payload: Payload): Promise<BlockId> {
    this.#answer();
    this.attached.push(payload);
    if (this.isCongested) return this.chain.attach([GENESIS_BLOCK_ID], payload);
    return this.#put(payload);
  }

  async blockState(id: BlockId): Promise<BlockState> {
    this.#answer();
    for (const { result } of this.milestones) {
      if (result.conflicts.has(id)) return 'conflicting';
      if (result.included.includes(id)) return 'applied';
    }
    return 'pending';
  }

  async latestIndex(): Promise<number> {
    this.#answer();
    return this.milestones.length;
  }

  async milestone(index: number): Promise<Uint8Array | undefined> {
    this.#answer();
    return this.pruned.has(index) ? undefined : this.milestones[index - 1]?.bytes;
  }

  async envelopes(index: number): Promise<Uint8Array[]> {
    this.#answer();
    const included = this.milestones[index - 1]?.result.included ?? [];
    return included.flatMap((id) => {
      const payload = this.chain.blocks.get(id)?.block.payload;
      return payload?.kind === 'envelope' ? [payload.bytes] : [];
    });
  }

  /** Checks certificates as ProofChecker does. */
  readonly checker = {
    milestone: async (bytes: Uint8Array): Promise<TrustedMilestone> => {
      const checked = this.#lightClient.checkMilestone(bytes, this.nowMs);
      if (!checked.ok) throw new ProofError(checked);
      return checked.value;
    },
  };

  #put(payload: Payload | null): BlockId {
    this.#tip = this.chain.attach([this.#tip], payload);
    return this.#tip;
  }

  #answer(): void {
    if (this.isAway) throw new NodeUnreachableError('network', 'away');
    if (this.failure !== undefined) throw this.failure;
  }
}
