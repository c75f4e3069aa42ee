/**
 * What every topic of the event socket has to tell of one confirmed milestone, and of the past of a
 * single thing: read from the store, so that a reader may ask for any milestone that is kept. The
 * content of the last few is shared by all sockets. Path: store → here → api/event-session.ts.
 * Spec: docs/spec/11-node-api.md, "Events".
 */
import {
  bytesToHex,
  splitOutputId,
  type Address,
  type BlockId,
  type OutputId,
  type TransactionId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output } from '@tanglemail/tangle/core/codec/output.ts';
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import type {
  IncludedBlockEventDto,
  OutputEventDto,
  Topic,
  UnlockCondition,
} from '@tanglemail/tangle/io/node-client/event-dto.ts';
import type { NodeStore } from '../store/node-store.ts';
import type { NodeQuery } from './node-query.ts';

/** A topic that tells of confirmed things. */
export type ConfirmedTopic = Exclude<Topic, { way: 'live' }>;
/** A topic about a single thing. */
export type PointTopic = Extract<Topic, { way: 'point' }>;

export interface ConfirmedFeedDeps {
  readonly query: NodeQuery;
  readonly store: Pick<NodeStore, 'blocks' | 'milestones' | 'ledger'>;
}

/** An output event and what it is found by. */
interface OutputChange {
  readonly event: OutputEventDto;
  readonly roles: readonly (readonly [UnlockCondition, Address])[];
}

/** One milestone, taken apart as far as somebody asks. */
interface Content {
  readonly index: number;
  cone?: readonly BlockId[];
  members?: ReadonlySet<BlockId>;
  byOutput?: ReadonlyMap<OutputId, readonly OutputChange[]>;
  byAddress?: ReadonlyMap<Address, readonly OutputChange[]>;
  blockOfTransaction?: ReadonlyMap<TransactionId, BlockId>;
}

/** Milestones whose content is kept: readers that follow ask for the same few. */
const MAX_KEPT = 8;
const NONE: readonly never[] = [];

export class ConfirmedFeed {
  readonly #deps: ConfirmedFeedDeps;
  readonly #kept = new Map<number, Content>();

  constructor(deps: ConfirmedFeedDeps) {
    this.#deps = deps;
  }

  get latestIndex(): number {
    return this.#deps.query.confirmedIndex;
  }

  get prunedIndex(): number {
    return this.#deps.query.prunedIndex;
  }

  /** What `topic` has to tell of milestone `index`, in white-flag order. */
  *eventsAt(index: number, topic: ConfirmedTopic): Generator {
    const { query } = this.#deps;
    switch (topic.of) {
      case 'confirmed':
        yield* this.#summaryAt(index);
        return;
      case 'milestones':
        yield* present(query.milestone(index)?.json);
        return;
      case 'referenced':
        for (const id of this.#coneAt(index)) yield* present(query.blockMetadata(id));
        return;
      case 'address':
        yield* eventsOf(this.#byAddress(index).get(topic.address));
        return;
      case 'unlock':
        yield* this.#unlockEvents(index, topic);
        return;
      case 'metadata':
        if (this.#members(index).has(topic.blockId)) yield query.blockMetadata(topic.blockId);
        return;
      case 'included':
        yield* this.#includedAt(index, topic.transactionId);
        return;
      case 'output':
        yield* eventsOf(this.#byOutput(index).get(topic.outputId));
    }
  }

  /** What happened to a single thing after milestone `since` and up to `until`. */
  *eventsSince(topic: PointTopic, since: number, until: number): Generator {
    const { query, store } = this.#deps;
    const isIn = (index: number | undefined): boolean =>
      index !== undefined && index > since && index <= until;
    if (topic.of === 'metadata') {
      const metadata = query.blockMetadata(topic.blockId);
      if (isIn(metadata?.referencedByMilestoneIndex)) yield metadata;
    } else if (topic.of === 'included') {
      const blockId = query.includedBlock(topic.transactionId);
      const index = blockId && store.blocks.meta(blockId)?.milestoneIndex;
      if (blockId && index !== undefined && isIn(index)) {
        yield* this.#included(topic.transactionId, blockId, index);
      }
    } else {
      const { outputId } = topic;
      const stored = store.ledger.output(outputId);
      const created = stored?.milestoneIndex;
      const consumed = stored?.spent?.milestoneIndex;
      if (isIn(created)) yield { outputId, change: 'created', milestoneIndex: created };
      if (isIn(consumed)) yield { outputId, change: 'consumed', milestoneIndex: consumed };
    }
  }

  *#summaryAt(index: number): Generator {
    const summary = this.#deps.store.milestones.summary(index);
    const milestoneId = this.#deps.query.milestone(index)?.json.milestoneId;
    if (summary && milestoneId) yield { index, milestoneId, ...summary };
  }

  *#unlockEvents(
    index: number,
    { address, condition, spent }: Extract<Topic, { of: 'unlock' }>,
  ): Generator<OutputEventDto> {
    for (const { event, roles } of this.#byAddress(index).get(address) ?? NONE) {
      if (spent && event.change !== 'consumed') continue;
      if (roles.some(([role, one]) => role === condition && one === address)) yield event;
    }
  }

  *#includedAt(index: number, id: TransactionId): Generator<IncludedBlockEventDto> {
    const content = this.#contentAt(index);
    content.blockOfTransaction ??= new Map(
      // Every applied transaction creates an output.
      (this.#deps.store.ledger.diff(index)?.created ?? NONE).map((record) => [
        splitOutputId(record.outputId).transactionId,
        record.blockId,
      ]),
    );
    const blockId = content.blockOfTransaction.get(id);
    if (blockId !== undefined) yield* this.#included(id, blockId, index);
  }

  *#included(
    transactionId: TransactionId,
    blockId: BlockId,
    milestoneIndex: number,
  ): Generator<IncludedBlockEventDto> {
    const bytes = this.#deps.query.blockBytes(blockId);
    if (bytes) yield { transactionId, blockId, milestoneIndex, bytes: bytesToHex(bytes) };
  }

  #contentAt(index: number): Content {
    const kept = this.#kept.get(index) ?? { index };
    this.#kept.delete(index);
    this.#kept.set(index, kept);
    if (this.#kept.size > MAX_KEPT) {
      const oldest = this.#kept.keys().next().value as number;
      this.#kept.delete(oldest);
    }
    return kept;
  }

  #coneAt(index: number): readonly BlockId[] {
    const content = this.#contentAt(index);
    return (content.cone ??= this.#deps.store.milestones.cone(index) ?? NONE);
  }

  #members(index: number): ReadonlySet<BlockId> {
    const content = this.#contentAt(index);
    return (content.members ??= new Set(this.#coneAt(index)));
  }

  #byOutput(index: number): ReadonlyMap<OutputId, readonly OutputChange[]> {
    return this.#changesAt(index).byOutput;
  }

  #byAddress(index: number): ReadonlyMap<Address, readonly OutputChange[]> {
    return this.#changesAt(index).byAddress;
  }

  #changesAt(index: number): Required<Pick<Content, 'byOutput' | 'byAddress'>> {
    const content = this.#contentAt(index);
    const { byOutput, byAddress } = content;
    if (byOutput && byAddress) return { byOutput, byAddress };
    const diff = this.#deps.store.ledger.diff(index);
    const changes = [
      ...(diff?.created ?? NONE).map((record) => changeOf(record, 'created', index)),
      ...(diff?.consumed ?? NONE).map((record) => changeOf(record, 'consumed', index)),
    ];
    const outputs = Map.groupBy(changes, ({ event }) => event.outputId);
    const addresses = new Map<Address, OutputChange[]>();
    for (const change of changes) {
      for (const address of new Set(change.roles.map(([, one]) => one))) {
        const known = addresses.get(address);
        if (known === undefined) addresses.set(address, [change]);
        else known.push(change);
      }
    }
    Object.assign(content, { byOutput: outputs, byAddress: addresses });
    return { byOutput: outputs, byAddress: addresses };
  }
}

function* present(value: unknown): Generator {
  if (value !== undefined) yield value;
}

function* eventsOf(changes: readonly OutputChange[] = NONE): Generator<OutputEventDto> {
  for (const { event } of changes) yield event;
}

function changeOf(
  { outputId, output }: OutputRecord,
  change: OutputEventDto['change'],
  milestoneIndex: number,
): OutputChange {
  return { event: { outputId, change, milestoneIndex }, roles: rolesOf(output) };
}

/** Addresses whose owners care about an output, and what they are to it. */
function rolesOf(output: Output): OutputChange['roles'] {
  if (output.kind === 'channel') {
    return [
      ['payee', output.payee],
      ['refund', output.refundAddress],
    ];
  }
  if (output.kind === 'validator-bond') return [['bond', output.owner]];
  const { address, expiration } = output;
  if (expiration === undefined) return [['address', address]];
  return [
    ['address', address],
    ['expiration', expiration.returnAddress],
  ];
}
