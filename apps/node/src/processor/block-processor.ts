/**
 * The way of a block from the wire into the node: size and seen-check, proof of work and form,
 * signatures in batches, store, DAG. One loop serves all queues, so the core sees one block after
 * the other. On the path: tangle/io/libp2p, api/ or sync/ → here → intake.ts → core/dag.
 * Spec: docs/spec/07-gossip.md; the queues: queues.ts.
 */
import type { CheckedBlock } from '@tanglemail/tangle/core/block/rules.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { fail, succeed, type Failure, type Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { MAX_BLOCK_SIZE } from '@tanglemail/tangle/core/params/limits.ts';
import type { SignatureClaim } from '@tanglemail/tangle/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { Intake } from './intake.ts';
import { FairQueue, QUEUE_NAMES, QUEUES, type QueueName } from './queues.ts';
import type { SeenFilter, SeenKey } from './seen-filter.ts';

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
  claims(block: CheckedBlock): readonly SignatureClaim[];
  readonly verifier: { verifyBatch(claims: readonly SignatureClaim[]): Promise<boolean[]> };
  readonly store: {
    /** Which of these blocks a final milestone references. */
    referenced(ids: readonly BlockId[]): Promise<ReadonlySet<BlockId>>;
    save(blocks: readonly CheckedBlock[]): Promise<void>;
    forget(ids: readonly BlockId[]): Promise<void>;
  };
  readonly intake: Pick<Intake, 'add' | 'takeDropped'>;
  readonly dag: { has(id: BlockId): boolean };
  readonly seen: SeenFilter<ProcessOutcome>;
  readonly logger: Logger;
  /** A failure of the store or of an invariant: the node cannot go on. */
  onFatal(error: unknown): void;
}

/** Blocks of one turn; also bounds the signatures that go to the workers at once. */
const BATCH = 64;
/** Of these at most so many from each queue, while others wait. */
const SHARE: Readonly<Record<QueueName, number>> = { api: 16, sync: 32, gossip: 32 };

interface Job {
  readonly bytes: Uint8Array;
  readonly key: SeenKey;
  readonly queue: QueueName;
  readonly source: string;
  readonly resolve: (outcome: ProcessOutcome) => void;
}

interface Candidate {
  readonly job: Job;
  readonly checked: CheckedBlock;
}

export class BlockProcessor {
  readonly #deps: ProcessorDeps;
  readonly #queues: Readonly<Record<QueueName, FairQueue<Job>>>;
  /** Blocks under way, so that a second copy waits for the first. */
  readonly #pending = new Map<SeenKey, Promise<ProcessOutcome>>();
  #running = false;
  #stopped = false;
  #failed = false;
  #idle: Promise<void> = Promise.resolve();

  constructor(deps: ProcessorDeps) {
    this.#deps = deps;
    this.#queues = {
      api: new FairQueue(QUEUES.api),
      sync: new FairQueue(QUEUES.sync),
      gossip: new FairQueue(QUEUES.gossip),
    };
  }

  /** Blocks that wait in each queue. */
  queueLengths(): Readonly<Record<QueueName, number>> {
    const { api, sync, gossip } = this.#queues;
    return { api: api.size, sync: sync.size, gossip: gossip.size };
  }

  /**
   * Processes one block. Resolves with the block's id, or with the code that refused it;
   * `queue-full` when the queue or the source's share of it has no place.
   * @param source the peer or remote address, for fair turns and quotas.
   */
  submit(bytes: Uint8Array, queue: QueueName, source: string): Promise<ProcessOutcome> {
    if (bytes.length > MAX_BLOCK_SIZE) return Promise.resolve(fail('too-large'));
    if (this.#stopped) return Promise.resolve(fail('queue-full', 'the node is stopping'));
    const key = this.#deps.seen.keyOf(bytes);
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending.then(asKnown);
    const seen = this.#deps.seen.get(key);
    if (seen !== undefined && !(seen.ok && !this.#deps.dag.has(seen.value.blockId))) {
      return Promise.resolve(asKnown(seen));
    }
    return this.#enqueue(bytes, key, queue, source);
  }

  /** Resolves when nothing is under way; blocks that come later are refused. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#idle;
  }

  #enqueue(
    bytes: Uint8Array,
    key: SeenKey,
    queue: QueueName,
    source: string,
  ): Promise<ProcessOutcome> {
    const { promise, resolve } = Promise.withResolvers<ProcessOutcome>();
    if (!this.#queues[queue].push(source, { bytes, key, queue, source, resolve })) {
      return Promise.resolve(fail('queue-full', queue));
    }
    this.#pending.set(key, promise);
    if (!this.#running) {
      this.#running = true;
      // One turn later, so that the blocks of a pack go through as one batch.
      this.#idle = Promise.resolve().then(() => this.#run());
    }
    return promise;
  }

  async #run(): Promise<void> {
    for (let jobs = this.#next(); jobs.length > 0; jobs = this.#next()) {
      try {
        await this.#process(jobs);
      } catch (error) {
        if (!this.#failed) this.#deps.logger.error(errorFields(error), 'processing blocks failed');
        for (const job of jobs) this.#settle(job, fail('queue-full', 'the node failed'), false);
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

  #next(): Job[] {
    const jobs = QUEUE_NAMES.flatMap((name) => this.#queues[name].take(SHARE[name]));
    for (const name of QUEUE_NAMES) {
      if (jobs.length < BATCH) jobs.push(...this.#queues[name].take(BATCH - jobs.length));
    }
    return jobs;
  }

  async #process(jobs: readonly Job[]): Promise<void> {
    if (this.#failed) throw new Error('the node failed');
    const checked = this.#checkForm(jobs);
    const fresh = await this.#dropKnown(checked);
    const signed = await this.#checkSignatures(fresh);
    await this.#deps.store.save(signed.map((candidate) => candidate.checked));
    for (const { job, checked: block } of signed) {
      const added = await this.#deps.intake.add(block.id, block.block.parents, job.source);
      if (added.ok) this.#settle(job, succeed({ blockId: block.id, isNew: true }), true);
      else if (added.code === 'block-known') this.#settle(job, known(block.id), true);
      else this.#settle(job, failureOf(added), false);
    }
    const dropped = this.#deps.intake.takeDropped();
    if (dropped.length > 0) await this.#deps.store.forget(dropped);
  }

  #checkForm(jobs: readonly Job[]): Candidate[] {
    const candidates: Candidate[] = [];
    for (const job of jobs) {
      const checked = this.#deps.check(job.bytes, job.queue === 'sync');
      if (checked.ok) candidates.push({ job, checked: checked.value });
      else this.#settle(job, checked, checked.action === 'reject');
    }
    return candidates;
  }

  /** Settles what the DAG or a final milestone already holds. */
  async #dropKnown(candidates: readonly Candidate[]): Promise<Candidate[]> {
    const { dag, store } = this.#deps;
    const referenced = await store.referenced(candidates.map(({ checked }) => checked.id));
    return candidates.filter(({ job, checked }) => {
      const isKnown = dag.has(checked.id) || referenced.has(checked.id);
      if (isKnown) this.#settle(job, known(checked.id), false);
      return !isKnown;
    });
  }

  async #checkSignatures(candidates: readonly Candidate[]): Promise<Candidate[]> {
    const claims = candidates.map(({ checked }) => this.#deps.claims(checked));
    const all = claims.flat();
    const verdicts = all.length === 0 ? [] : await this.#deps.verifier.verifyBatch(all);
    let offset = 0;
    return candidates.filter(({ job }, index) => {
      const count = claims[index]?.length ?? 0;
      const valid = verdicts.slice(offset, offset + count).every(Boolean);
      offset += count;
      if (!valid) this.#settle(job, fail('signature-invalid'), true);
      return valid;
    });
  }

  /** Answers the submitter; `remember` keeps the outcome for further copies of the same bytes. */
  #settle(job: Job, outcome: ProcessOutcome, remember: boolean): void {
    if (remember) this.#deps.seen.set(job.key, outcome);
    this.#pending.delete(job.key);
    job.resolve(outcome);
  }
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
