/**
 * The way of a block from the wire into the node: size and seen-check, proof of work and form,
 * signatures in batches, store, DAG. One loop serves all queues, so the core sees one block after
 * the other. On the path: tangle/io/libp2p, api/ or sync/ → here → intake.ts → core/dag.
 * Spec: docs/spec/14-load.md; the queues: queues.ts.
 */
import type { CheckedBlock } from '@tanglemail/tangle/core/block/rules.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Dag } from '@tanglemail/tangle/core/dag/dag.ts';
import { fail, succeed, type Failure, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_BLOCK_SIZE } from '@tanglemail/tangle/core/params/limits.ts';
import type { SignatureClaim } from '@tanglemail/tangle/core/ports.ts';
import { VerifyPoolError } from '@tanglemail/tangle/io/accel/verify-pool.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { costOf, kindOf } from './block-cost.ts';
import { FairQueue } from './fair-queue.ts';
import type { Intake } from './intake.ts';
import {
  API_RESERVE,
  MAX_UNREFERENCED,
  QUEUE_NAMES,
  QUEUES,
  SHARED_UNREFERENCED,
  type QueueName,
} from './queues.ts';
import type { Seen, SeenFilter, SeenKey } from './seen-filter.ts';

/** A block that the node holds after processing. */
export interface Accepted {
  readonly blockId: BlockId;
  /** False when the node held it before. */
  readonly isNew: boolean;
}

export type ProcessOutcome = Outcome<Accepted>;

export interface ProcessorDeps {
  /** Form and work of one block; `trusted`: a final milestone covers it, so no load term counts. */
  check(bytes: Uint8Array, trusted: boolean): Outcome<CheckedBlock>;
  /** The id of a block that was good when it was seen before. */
  idOf(bytes: Uint8Array): BlockId;
  claims(block: CheckedBlock): readonly SignatureClaim[];
  readonly verifier: { verifyBatch(claims: readonly SignatureClaim[]): Promise<boolean[]> };
  readonly store: {
    /** Which of these blocks a final milestone references; only the doubtful are looked up. */
    referenced(
      blocks: readonly CheckedBlock[],
      isDoubtful: (block: { readonly block: { readonly parents: readonly BlockId[] } }) => boolean,
    ): Promise<ReadonlySet<BlockId>>;
    save(blocks: readonly CheckedBlock[]): Promise<void>;
    forget(ids: readonly BlockId[]): Promise<void>;
  };
  readonly intake: Pick<Intake, 'add' | 'takeDropped'>;
  readonly dag: Pick<Dag, 'has' | 'holdsShare' | 'isReferenced' | 'isSolid' | 'unreferencedCount'>;
  readonly seen: SeenFilter;
  readonly logger: Logger;
  /** A failure of the store or of an invariant: the node cannot go on. */
  onFatal(error: unknown): void;
}

/** Blocks of one turn; also bounds the signatures that go to the workers at once. */
const BATCH = 64;
/** Cost of one turn, by `block-cost.ts`: some 30 ms of the main thread and the workers. */
const BATCH_COST = 4 << 20;
/** From this share of the gossip queue on, a source that holds its share of it is not heard. */
const BUSY_FILL = 0.5;

/** Weight of one batch in the running share of blocks that were worth their place. */
const WORKED_WEIGHT = 0.05;

interface Job {
  readonly bytes: Uint8Array;
  readonly key: SeenKey;
  readonly queue: QueueName;
  readonly source: string;
  readonly promise: Promise<ProcessOutcome>;
  readonly resolve: (outcome: ProcessOutcome) => void;
}

interface Candidate {
  readonly job: Job;
  readonly checked: CheckedBlock;
}

export class BlockProcessor {
  readonly #deps: ProcessorDeps;
  readonly #queues: Readonly<Record<QueueName, FairQueue<Job>>>;
  /**
   * Blocks that wait or are being processed. A second copy from the same source shares the fate of
   * the first. A copy from another source gets its own place: it must not wait in a flood's line.
   */
  readonly #pending = new Map<SeenKey, Job>();
  #workedShare = 1;
  #running = false;
  #stopped = false;
  #failed = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(deps: ProcessorDeps) {
    this.#deps = deps;
    this.#queues = {
      milestone: new FairQueue(QUEUES.milestone),
      api: new FairQueue(QUEUES.api),
      sync: new FairQueue(QUEUES.sync),
      gossip: new FairQueue(QUEUES.gossip),
    };
  }

  /** Blocks that wait in each queue. */
  queueLengths(): Readonly<Record<QueueName, number>> {
    const { milestone, api, sync, gossip } = this.#queues;
    return { milestone: milestone.size, api: api.size, sync: sync.size, gossip: gossip.size };
  }

  /**
   * The share of the fuller of the queues for gossip and users that is in use, 0–1, times the share
   * of late that had its proof of work: garbage must not make work dearer for everybody.
   */
  get workedFill(): number {
    return Math.max(this.#queues.gossip.fill, this.#queues.api.fill) * this.#workedShare;
  }

  /**
   * Whether gossip should not be read now: the queue is over half full and, if `source` is given,
   * that peer holds at least an equal share of it. A peer that sends little is always heard.
   */
  isBusy(source?: string): boolean {
    const { gossip } = this.#queues;
    return gossip.fill > BUSY_FILL && (source === undefined || gossip.isHeavy(source));
  }

  /** Goes on with blocks that waited because the DAG was full. Call it after each milestone. */
  wake(): void {
    if (!this.#running && QUEUE_NAMES.some((name) => this.#queues[name].size > 0)) this.#start();
  }

  /**
   * Processes one block. Resolves with the block's id, or with the code that refused it;
   * `queue-full` when its queue had no place for a source with so much in it.
   * @param source the peer or remote address, for fair turns.
   */
  submit(bytes: Uint8Array, queue: QueueName, source: string): Promise<ProcessOutcome> {
    if (bytes.length > MAX_BLOCK_SIZE) return Promise.resolve(fail('too-large'));
    if (this.#stopped) return Promise.resolve(fail('queue-full', 'the node is stopping'));
    const key = this.#deps.seen.keyOf(bytes);
    const pending = this.#pending.get(key);
    if (pending?.source === source && pending.queue === queue) return pending.promise.then(asKnown);
    const outcome = this.#knownOutcome(key, bytes);
    if (outcome !== undefined) return Promise.resolve(outcome);
    if (queue === 'api' && (this.#isFull('api') || this.#isHeld('api', source))) {
      return Promise.resolve(fail('queue-full', 'too many blocks wait for a milestone'));
    }
    return this.#enqueue(bytes, key, queue, source);
  }

  /** Resolves when nothing is under way; blocks that come later are refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    await this.#idle;
  }

  #enqueue(
    bytes: Uint8Array,
    key: SeenKey,
    queue: QueueName,
    source: string,
  ): Promise<ProcessOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProcessOutcome>();
    const kind = kindOf(bytes);
    const cost = costOf(bytes.length, kind);
    const job = { bytes, key, queue, source, promise, resolve };
    this.#pending.set(key, job);
    const queued = { item: job, kind, source, sizeBytes: bytes.length, cost };
    for (const displaced of this.#queues[queue].push(queued)) {
      this.#settle(displaced, fail('queue-full', queue));
    }
    if (!this.#running) this.#start();
    return promise;
  }

  /** What is known of these very bytes; a block that the DAG has dropped since is taken again. */
  #knownOutcome(key: SeenKey, bytes: Uint8Array): ProcessOutcome | undefined {
    const seen = this.#deps.seen.get(key);
    if (seen === undefined) return undefined;
    if (seen !== 'good') return fail(seen);
    const blockId = this.#deps.idOf(bytes);
    return this.#deps.dag.has(blockId) ? known(blockId) : undefined;
  }

  #start(): void {
    this.#running = true;
    // One turn later, so that the blocks of a pack go through as one batch.
    this.#idle = Promise.resolve().then(() => this.#run());
  }

  /** Whether the DAG has no room for what this queue holds. */
  #isFull(queue: QueueName): boolean {
    return this.#deps.dag.unreferencedCount >= placesOf(queue, MAX_UNREFERENCED);
  }

  /** Whether `source` has its share of the DAG: its blocks wait until a milestone takes some. */
  #isHeld(queue: QueueName, source: string): boolean {
    const { dag } = this.#deps;
    const places = placesOf(queue, SHARED_UNREFERENCED);
    return dag.unreferencedCount >= places && dag.holdsShare(source, places);
  }

  async #run(): Promise<void> {
    for (let jobs = this.#next(); jobs.length > 0; jobs = this.#next()) {
      try {
        await this.#process(jobs);
      } catch (error) {
        if (!this.#failed) this.#deps.logger.error(errorFields(error), 'processing blocks failed');
        for (const job of jobs) this.#settle(job, fail('queue-full', 'the node failed'));
        this.#fail(error);
      }
      await new Promise(setImmediate);
    }
    this.#running = false;
  }

  /** The store is in doubt: no further block is taken, and those that wait are answered. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#stopped = true;
    this.#deps.onFatal(error);
  }

  /** Each queue's share first, then what is left over to the queues in their order. */
  #next(): Job[] {
    const names = QUEUE_NAMES.filter((name) => this.#stopped || !this.#isFull(name));
    const take = (name: QueueName, places: number, cost: number): Job[] =>
      this.#queues[name].take(
        places,
        cost,
        (source) => !this.#stopped && this.#isHeld(name, source),
      );
    const jobs = names.flatMap((name) => {
      const { share } = QUEUES[name];
      return take(name, share, (BATCH_COST * share) / BATCH);
    });
    for (const name of names) {
      const places = BATCH - jobs.length;
      if (places > 0) jobs.push(...take(name, places, BATCH_COST));
    }
    return jobs;
  }

  async #process(jobs: readonly Job[]): Promise<void> {
    if (this.#failed) throw new Error('the node failed');
    const checked = this.#checkForm(jobs);
    this.#workedShare += (checked.length / jobs.length - this.#workedShare) * WORKED_WEIGHT;
    const fresh = await this.#dropKnown(checked);
    const signed = await this.#checkSignatures(fresh);
    await this.#deps.store.save(signed.map((candidate) => candidate.checked));
    for (const { job, checked: block } of signed) {
      const added = await this.#deps.intake.add(block.id, block.block.parents, job.source);
      if (added.ok) this.#settle(job, succeed({ blockId: block.id, isNew: true }), 'good');
      else if (added.code === 'block-known') this.#settle(job, known(block.id), 'good');
      else this.#settle(job, failureOf(added));
    }
    const dropped = this.#deps.intake.takeDropped();
    if (dropped.length > 0) await this.#deps.store.forget(dropped);
  }

  #checkForm(jobs: readonly Job[]): Candidate[] {
    const candidates: Candidate[] = [];
    const inBatch = new Map<SeenKey, Job>();
    for (const job of jobs) {
      if (this.#isCopy(job, inBatch)) continue;
      const trusted = job.queue === 'sync' || job.queue === 'milestone';
      const checked = this.#deps.check(job.bytes, trusted);
      if (checked.ok) candidates.push({ job, checked: checked.value });
      else this.#settle(job, checked, checked.action === 'reject' ? checked.code : undefined);
    }
    return candidates;
  }

  /** A copy of a block of this batch or of an earlier one shares its fate, unchecked. */
  #isCopy(job: Job, inBatch: Map<SeenKey, Job>): boolean {
    const first = inBatch.get(job.key);
    if (first !== undefined) {
      void first.promise.then((outcome) => this.#settle(job, asKnown(outcome)));
      return true;
    }
    const outcome = this.#knownOutcome(job.key, job.bytes);
    if (outcome === undefined) inBatch.set(job.key, job);
    else this.#settle(job, outcome);
    return outcome !== undefined;
  }

  /** Settles what the DAG or a final milestone already holds. */
  async #dropKnown(candidates: readonly Candidate[]): Promise<Candidate[]> {
    const { dag, store } = this.#deps;
    // A milestone references all that its blocks stand on: the child of a solid block that none has
    // referenced is itself unreferenced, and the store need not be asked for it.
    const isWaiting = (id: BlockId): boolean => dag.isSolid(id) && !dag.isReferenced(id);
    const referenced = await store.referenced(
      candidates.map(({ checked }) => checked),
      ({ block }) => !block.parents.some(isWaiting),
    );
    return candidates.filter(({ job, checked }) => {
      const isKnown = dag.has(checked.id) || referenced.has(checked.id);
      if (isKnown) this.#settle(job, known(checked.id));
      return !isKnown;
    });
  }

  async #checkSignatures(candidates: readonly Candidate[]): Promise<Candidate[]> {
    const claims = candidates.map(({ checked }) => this.#deps.claims(checked));
    const all = claims.flat();
    const verdicts = all.length === 0 ? [] : await this.#verify(all);
    let offset = 0;
    return candidates.filter(({ job }, index) => {
      const count = claims[index]?.length ?? 0;
      if (count > 0 && verdicts === undefined) this.#settle(job, fail('queue-full', 'signatures'));
      if (verdicts === undefined) return count === 0;
      const valid = verdicts.slice(offset, offset + count).every(Boolean);
      offset += count;
      if (!valid) this.#settle(job, fail('signature-invalid'), 'signature-invalid');
      return valid;
    });
  }

  /** Undefined when the threads could not say: that is no verdict on any block. */
  async #verify(claims: readonly SignatureClaim[]): Promise<readonly boolean[] | undefined> {
    try {
      return await this.#deps.verifier.verifyBatch(claims);
    } catch (error) {
      if (!(error instanceof VerifyPoolError)) throw error;
      this.#deps.logger.warn(errorFields(error), 'signatures were not checked');
      return undefined;
    }
  }

  /** Answers the submitter; `seen` is what to remember of these bytes, if anything. */
  #settle(job: Job, outcome: ProcessOutcome, seen?: Seen): void {
    if (seen !== undefined) this.#deps.seen.set(job.key, seen);
    if (this.#pending.get(job.key) === job) this.#pending.delete(job.key);
    job.resolve(outcome);
  }
}

/** Of `places` in the DAG those that a queue may fill; what was asked for always enters. */
function placesOf(queue: QueueName, places: number): number {
  if (queue === 'milestone' || queue === 'sync') return Infinity;
  return queue === 'api' ? places + API_RESERVE : places;
}

function known(blockId: BlockId): ProcessOutcome {
  return succeed({ blockId, isNew: false });
}

/** A second copy of a good block is known; of a bad one it is as bad. */
function asKnown(outcome: ProcessOutcome): ProcessOutcome {
  return outcome.ok ? known(outcome.value.blockId) : outcome;
}

function failureOf({ action, code, detail }: Failure): Failure {
  return detail === undefined ? { ok: false, action, code } : { ok: false, action, code, detail };
}
