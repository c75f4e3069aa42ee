/**
 * Milestones that are judged and built before they are final: whatever tree of them there was, the
 * branch that is committed gives what a straight chain gives, and each is executed once.
 * Spec: docs/spec/15-consensus.md §6.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { powDifficulty, powDigest } from '@tanglemail/tangle/core/block/pow.ts';
import { checkBlock, type CheckedBlock } from '@tanglemail/tangle/core/block/rules.ts';
import { encodeBlock, encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import {
  GENESIS_BLOCK_ID,
  type BlockId,
  type MilestoneId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import type { Milestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import { MAX_CANDIDATES } from '@tanglemail/tangle/core/consensus/candidates.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import { buildTransaction } from '@tanglemail/tangle/core/ledger/transaction-builder.ts';
import { signMilestone, type BuiltMilestone } from '@tanglemail/tangle/core/milestone/build.ts';
import { assembleCertificate } from '@tanglemail/tangle/core/milestone/certificate.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import { openKvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { NODE_SCHEMA } from '@tanglemail/tangle/io/level/milestone-batch.ts';
import { NodeStore } from '../store/node-store.ts';
import { DEPTH, GENESIS, MemoryNode, randomOf, ROOT } from '../testing/memory-node.ts';
import { pay, RICH_KEY, TEST_POW, VALIDATOR_KEY } from '../testing/test-network.ts';
import type { Choice } from './speculation.ts';

const CHAINS = 100;
const { heartbeatMs } = GENESIS.params;

let folder: string;
const stores = new Set<NodeStore>();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'candidates-'));
});
afterEach(async () => {
  for (const store of stores) await store.close();
  stores.clear();
  await rm(folder, { recursive: true });
});

/** A node that counts how often a ledger was asked for the inputs of a milestone. */
interface Counted {
  readonly node: MemoryNode;
  readonly executions: () => number;
  /** Blocks that were read, in order. */
  readonly read: readonly BlockId[];
}

async function start(name = 'node'): Promise<Counted> {
  const opened = await NodeStore.open(join(folder, name), ROOT, nobleHasher);
  const { store } = opened;
  stores.add(store);
  let executions = 0;
  const load = store.loadOutputs.bind(store);
  store.loadOutputs = (ids) => {
    executions += 1;
    return load(ids);
  };
  const read: BlockId[] = [];
  const loadBlocks = store.loadBlocks.bind(store);
  store.loadBlocks = (ids) => {
    read.push(...ids);
    return loadBlocks(ids);
  };
  const node = new MemoryNode(opened, 1);
  await node.rebuild();
  return { node, executions: () => executions, read };
}

async function mine(parents: readonly BlockId[], payload: Payload): Promise<CheckedBlock> {
  const { networkId } = ROOT;
  const base = { version: 1, networkId, parents: parents.toSorted(), payload } as const;
  const bits = powDifficulty(encodeBlock({ ...base, nonce: 0n }).length, GENESIS.params, 0);
  const { nonce } = await TEST_POW.solve(
    powDigest(encodeBlockWithoutNonce(base), nobleHasher),
    bits,
  );
  const rules = { params: GENESIS.params, networkId, loadBits: 0, hasher: nobleHasher };
  return valueOf(checkBlock(encodeBlock({ ...base, nonce }), rules));
}

function valueOf<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code} ${outcome.detail}`);
  return outcome.value;
}

const codeOf = (outcome: Outcome<unknown>): string => (outcome.ok ? 'ok' : outcome.code);

let noteCount = 0;
const note = (): Payload => {
  return { kind: 'tagged-data', tag: Buffer.from('t'), data: Buffer.from(`${noteCount++}`) };
};

/** Spends an output of the rich key to the rich key, in two parts. */
function payment(record: OutputRecord, amount: bigint): Payload {
  const made = buildTransaction({
    networkId: ROOT.networkId,
    inputs: [{ ...record, unlock: { kind: 'signature', secretKey: RICH_KEY.secretKey } }],
    outputs: [pay(RICH_KEY.address, amount)],
    changeAddress: RICH_KEY.address,
    params: GENESIS.params,
    hasher: nobleHasher,
  });
  return valueOf(made).transaction;
}

function certify({ header, body }: Pick<BuiltMilestone, 'header' | 'body'>): Milestone {
  const signer = { networkId: ROOT.networkId, seat: 0, secretKey: VALIDATOR_KEY.secretKey };
  const vote = signMilestone(header, 'finalize', signer, nobleHasher);
  const certificate = assembleCertificate([vote], 1);
  if (certificate === undefined) throw new Error('one of one is a quorum');
  return { header, body, certificate };
}

let view = 0n;

/** Builds on a candidate what the tips offer, or these blocks. */
function build(
  { engine, tips }: MemoryNode,
  on: MilestoneId,
  { parents, maxCone, ...more }: Partial<Choice> & { maxCone?: number } = {},
): Promise<Outcome<BuiltMilestone>> {
  view += 1n;
  return engine.build(on, view, (parent, dag) => ({
    parents: parents ?? tips.heaviest(parent.header.index, dag, parent.parents, maxCone),
    timestampMs: parent.header.timestampMs + 1_000,
    ...more,
  }));
}

/** Everything in a closed store, key and value. */
async function dump(name: string): Promise<string[]> {
  const owner = { kind: 'node', networkId: ROOT.networkId, schema: NODE_SCHEMA } as const;
  const kv = await openKvStore(join(folder, name), owner);
  const rows: string[] = [];
  const all = { gte: new Uint8Array(), lt: Uint8Array.of(0xff) };
  for await (const parts of kv.iterate(all)) {
    rows.push(parts.map((part) => Buffer.from(part).toString('hex')).join(' '));
  }
  await kv.close();
  return rows;
}

/** One node builds a tree of candidates, one checks it, one sees only what is final. */
class Forest {
  readonly #random: (bound: number) => number;
  readonly #nodes: readonly Counted[];
  readonly #blocks: BlockId[] = [GENESIS_BLOCK_ID];
  readonly #outputs: OutputRecord[] = [...ROOT.outputs];
  #tree: BuiltMilestone[] = [];
  /** Built, and not checked by the second node yet. */
  #unchecked: BuiltMilestone[] = [];
  /** What came up, so that a test can show that it was not all alike. */
  readonly seen = { candidates: 0, deepest: 0, conflicts: 0, forgotten: 0 };

  readonly problems: string[] = [];

  constructor(nodes: readonly Counted[], seed: number) {
    this.#nodes = nodes;
    this.#random = randomOf(seed);
  }

  get #builder(): Counted {
    return this.#nodes[0]!;
  }

  get #checker(): Counted {
    return this.#nodes[1]!;
  }

  async grow(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      if (this.#random(5) < 3) await this.#attach();
      else await this.#branch();
    }
  }

  async #attach(): Promise<void> {
    const random = this.#random;
    const count = 1 + random(3);
    const parents = Array.from({ length: count }, () => {
      return this.#blocks[Math.max(0, this.#blocks.length - 1 - random(6))]!;
    });
    // Often spent twice: on two branches, on one, or after it was spent by what is final.
    const record = this.#outputs[Math.max(0, this.#outputs.length - 1 - random(4))]!;
    const isPayment = random(3) > 0 && record.output.amount > 10n;
    const payload = isPayment ? payment(record, record.output.amount / 3n) : note();
    const block = await mine([...new Set(parents)], payload);
    if (this.#blocks.includes(block.id)) return;
    this.#blocks.push(block.id);
    for (const { node } of this.#nodes) await node.take(block);
  }

  async #branch(): Promise<void> {
    const random = this.#random;
    const { node } = this.#builder;
    const on = [node.engine.latest.id, ...this.#tree.map(({ id }) => id)];
    const parent = on[random(on.length)]!;
    const made = valueOf(await build(node, parent, { maxCone: 1 + random(6) }));
    if (this.#tree.some(({ id }) => id === made.id)) return;
    this.#tree.push(made);
    this.#unchecked.push(made);
    this.#outputs.push(...made.result.diff.created);
    this.seen.candidates += 1;
    this.seen.conflicts += made.result.conflicts.size;
    if (random(2) === 0) await this.#checkAll();
  }

  /** In the order of their views: predecessors come first. */
  async #checkAll(): Promise<void> {
    const { node } = this.#checker;
    for (const { id, header, body } of this.#unchecked.splice(0)) {
      const checked = await node.engine.check(id, { header, body });
      this.#demand(codeOf(checked), checked.ok);
    }
  }

  /** Makes a part of one branch final on all nodes. */
  async commit(): Promise<void> {
    await this.#checkAll();
    const target = this.#tree[this.#random(this.#tree.length)];
    if (target === undefined) return;
    const branch = [target];
    for (let at = target; ; branch.unshift(at)) {
      const below = this.#tree.find(({ id }) => id === at.header.previousId);
      if (below === undefined) break;
      at = below;
    }
    this.seen.deepest = Math.max(this.seen.deepest, branch.length);
    for (const built of branch.slice(0, 1 + this.#random(branch.length))) await this.#final(built);
  }

  async #final(built: BuiltMilestone): Promise<void> {
    const milestone = certify(built);
    for (const { node, executions } of this.#nodes) {
      const before = executions();
      const confirmed = valueOf(await node.engine.confirm(milestone));
      const isKnown = node !== this.#nodes[2]!.node;
      const isBuilder = node === this.#builder.node;
      const { result } = confirmed;
      this.#demand('executed once', executions() - before === (isKnown ? 0 : 1));
      this.#demand('what was built', (result === built.result) === isBuilder);
      this.#demand('order', result.included.join() === built.result.included.join());
      const root = node.engine.latest.stateTree.root();
      this.#demand('state root', Buffer.compare(root, built.header.stateRoot) === 0);
    }
    const stands = new Set<MilestoneId>([built.id]);
    const left = this.#tree.filter(({ id, header }) => {
      if (stands.has(header.previousId)) stands.add(id);
      return stands.has(id) && id !== built.id;
    });
    for (const { id } of this.#tree) {
      for (const { node } of [this.#builder, this.#checker]) {
        this.#demand('kept as long as it may come', node.engine.has(id) === stands.has(id));
      }
    }
    this.seen.forgotten += this.#tree.length - left.length - 1;
    this.#tree = left;
  }

  #demand(what: string, isSo: boolean): void {
    if (!isSo) this.problems.push(what);
  }
}

describe('candidates', () => {
  it('leave behind what a straight chain leaves, whatever tree of them there was', async () => {
    const seen = { candidates: 0, deepest: 0, conflicts: 0, forgotten: 0 };
    for (let seed = 1; seed <= CHAINS; seed += 1) {
      const names = ['builder', 'checker', 'straight'].map((name) => `${name}-${seed}`);
      const nodes = await Promise.all(names.map((name) => start(name)));
      const forest = new Forest(nodes, seed);
      for (let round = 0; round < 3; round += 1) {
        await forest.grow(12);
        await forest.commit();
      }
      expect({ seed, problems: forest.problems }).toEqual({ seed, problems: [] });
      for (const { node } of nodes) {
        await node.store.close();
        stores.delete(node.store);
      }
      const [first, ...others] = await Promise.all(names.map(dump));
      expect(first?.length).toBeGreaterThan(0);
      for (const other of others) expect({ seed, rows: other }).toEqual({ seed, rows: first });
      seen.candidates += forest.seen.candidates;
      seen.conflicts += forest.seen.conflicts;
      seen.forgotten += forest.seen.forgotten;
      seen.deepest = Math.max(seen.deepest, forest.seen.deepest);
    }
    // The trees were trees, with double spends and with branches that came to nothing.
    expect(seen.candidates).toBeGreaterThan(5 * CHAINS);
    expect(seen.deepest).toBeGreaterThan(3);
    expect(seen.conflicts).toBeGreaterThan(CHAINS);
    expect(seen.forgotten).toBeGreaterThan(CHAINS);
  }, 120_000);

  it('keep their blocks over the commit below them, at the edge of max depth', async () => {
    const { node } = await start();
    const { engine, dag } = node;
    const [named, old] = [
      await mine([GENESIS_BLOCK_ID], note()),
      await mine([GENESIS_BLOCK_ID], note()),
    ];
    for (const block of [named, old]) await node.take(block);
    const heartbeat = () => build(node, engine.latest.id, { parents: [named.id] });
    for (let index = 1; index < DEPTH; index += 1) {
      valueOf(await engine.confirm(certify(valueOf(await heartbeat()))));
    }
    // The milestone after next is the last one that may reference what stands on genesis.
    const lower = valueOf(await heartbeat());
    const upper = valueOf(await build(node, lower.id, { parents: [old.id] }));
    expect(upper.result.included).toEqual([old.id]);
    valueOf(await engine.confirm(certify(lower)));
    expect([dag.isSolid(old.id), node.store.blocks.has(old.id)]).toEqual([true, true]);
    valueOf(await engine.confirm(certify(upper)));
    expect(dag.isReferenced(old.id)).toBe(true);
  });

  it('go with their blocks when a sibling is committed', async () => {
    const { node } = await start();
    const { engine, dag } = node;
    const [named, old] = [
      await mine([GENESIS_BLOCK_ID], note()),
      await mine([GENESIS_BLOCK_ID], note()),
    ];
    for (const block of [named, old]) await node.take(block);
    const heartbeat = () => build(node, engine.latest.id, { parents: [named.id] });
    for (let index = 1; index <= DEPTH; index += 1) {
      valueOf(await engine.confirm(certify(valueOf(await heartbeat()))));
    }
    const upper = valueOf(await build(node, engine.latest.id, { parents: [old.id] }));
    valueOf(await engine.confirm(certify(valueOf(await heartbeat()))));
    expect(engine.has(upper.id)).toBe(false);
    expect(dag.has(old.id)).toBe(false);
    expect(codeOf(await build(node, engine.latest.id, { parents: [old.id] }))).not.toBe('ok');
  });

  it('are bounded, and one that left is judged again', async () => {
    const { node, executions } = await start();
    const { engine } = node;
    await node.issue(note());
    const base = engine.latest.id;
    const all: BuiltMilestone[] = [];
    for (let count = 0; count < MAX_CANDIDATES + 3; count += 1) {
      all.push(valueOf(await build(node, base)));
    }
    expect(all.map(({ id }) => engine.has(id))).toEqual(all.map((_, at) => at >= 3));
    const [first] = all as [BuiltMilestone];
    const before = executions();
    expect(codeOf(await engine.check(first.id, first))).toBe('ok');
    expect(codeOf(await engine.check(first.id, first))).toBe('ok');
    expect(executions() - before).toBe(1);
    expect(engine.has(first.id)).toBe(true);
  });
});

describe('the engine, before a milestone is final', () => {
  it('milestone-previous: judges and builds on nothing that it does not know', async () => {
    const { node } = await start();
    const unknown = '77'.repeat(32) as MilestoneId;
    const made = valueOf(await build(node, node.engine.latest.id));
    const entry = { header: { ...made.header, previousId: unknown }, body: made.body };
    expect(node.engine.has(unknown)).toBe(false);
    expect(codeOf(await node.engine.check(unknown, entry))).toBe('milestone-previous');
    expect(codeOf(await build(node, unknown))).toBe('milestone-previous');
  });

  it('milestone-cone-missing: names the block, and judges again when it is there', async () => {
    const [{ node: leader }, { node }] = [await start('leader'), await start('member')];
    const block = await mine([GENESIS_BLOCK_ID], note());
    await leader.take(block);
    const made = valueOf(await build(leader, leader.engine.latest.id));
    const missing = await node.engine.check(made.id, made);
    expect(missing).toMatchObject({ code: 'milestone-cone-missing', detail: block.id });
    expect(node.engine.has(made.id)).toBe(false);
    await node.take(block);
    expect(codeOf(await node.engine.check(made.id, made))).toBe('ok');
    expect(node.engine.has(made.id)).toBe(true);
  });

  it('milestone-cone-missing: reads nothing of a cone that is not whole', async () => {
    const [{ node: leader }, { node, read }] = [await start('leader'), await start('member')];
    const [here, parent] = [
      await mine([GENESIS_BLOCK_ID], note()),
      await mine([GENESIS_BLOCK_ID], note()),
    ];
    const child = await mine([parent.id], note());
    for (const block of [here, parent, child]) await leader.take(block);
    const made = valueOf(await build(leader, leader.engine.latest.id));
    await node.take(here);
    expect(made.body.parents).toEqual(expect.arrayContaining([here.id, child.id]));
    const missing = await node.engine.check(made.id, made);
    expect(missing).toMatchObject({ code: 'milestone-cone-missing', detail: child.id });
    expect(read).toEqual([]);
    for (const block of [parent, child]) await node.take(block);
    expect(codeOf(await node.engine.check(made.id, made))).toBe('ok');
    expect(read).toHaveLength(3);
  });

  it('milestone-root: takes no other body for a header that it knows', async () => {
    const { node, executions } = await start();
    const { engine } = node;
    const [one, other] = [
      await mine([GENESIS_BLOCK_ID], note()),
      await mine([GENESIS_BLOCK_ID], note()),
    ];
    for (const block of [one, other]) await node.take(block);
    const made = valueOf(await build(node, engine.latest.id, { parents: [one.id] }));
    const before = executions();
    const bodies = [
      { ...made.body, parents: [other.id] },
      { ...made.body, options: { powLoadBits: 1 } },
    ];
    for (const body of bodies) {
      const wrong = { header: made.header, body };
      expect(codeOf(await engine.check(made.id, wrong))).toBe('milestone-root');
      expect(codeOf(await engine.confirm(certify(wrong)))).toBe('milestone-root');
    }
    expect(engine.latest.header.index).toBe(0);
    expect(executions() - before).toBe(4);
    expect(codeOf(await engine.confirm(certify(made)))).toBe('ok');
    expect(executions() - before).toBe(4);
  });

  it('milestone-index: commits no candidate before what it stands on', async () => {
    const { node } = await start();
    const { engine } = node;
    await node.issue(note());
    const lower = valueOf(await build(node, engine.latest.id));
    const upper = valueOf(await build(node, lower.id));
    expect(codeOf(await engine.confirm(certify(upper)))).toBe('milestone-index');
    expect(codeOf(await engine.confirm(certify(lower)))).toBe('ok');
    expect(codeOf(await engine.confirm(certify(upper)))).toBe('ok');
    expect(codeOf(await engine.confirm(certify(upper)))).toBe('milestone-index');
    // A check that waited while it was made final finds nothing wrong.
    expect(codeOf(await engine.check(upper.id, upper, 0))).toBe('ok');
  });

  it('milestone-timestamp: judges the time of a vote, and not that of an ancestor', async () => {
    const [{ node: leader }, { node }] = [await start('leader'), await start('member')];
    const made = valueOf(await build(leader, leader.engine.latest.id));
    const earlyMs = made.header.timestampMs - GENESIS.params.maxDriftMs - 1;
    const check = (nowMs?: number) => node.engine.check(made.id, made, nowMs);
    expect(codeOf(await check(earlyMs))).toBe('milestone-timestamp');
    expect(node.engine.has(made.id)).toBe(false);
    expect(codeOf(await check())).toBe('ok');
    expect(codeOf(await check(earlyMs))).toBe('milestone-timestamp');
    expect(codeOf(await check(earlyMs + 1))).toBe('ok');
  });

  it('stamps what is new as it is asked to, and a heartbeat no earlier than due', async () => {
    const { node } = await start();
    const { id, header } = node.engine.latest;
    const quiet = valueOf(await build(node, id, { timestampMs: 0 }));
    expect(quiet.header.timestampMs).toBe(header.timestampMs + heartbeatMs);
    await node.issue(note());
    const early = valueOf(await build(node, id, { timestampMs: 0 }));
    expect(early.header.timestampMs).toBe(header.timestampMs + 1);
    const timestampMs = header.timestampMs + 5_000;
    const late = valueOf(await build(node, id, { timestampMs }));
    expect(late.header.timestampMs).toBe(timestampMs);
    // What the candidate references is nothing new for the next.
    const next = valueOf(await build(node, late.id, { timestampMs }));
    expect(next.header.timestampMs).toBe(timestampMs + heartbeatMs);
  });

  it('waits for blocks that no candidate has, and for none that is below max depth', async () => {
    const { node } = await start();
    const { engine } = node;
    const base = engine.latest.id;
    expect(engine.isWaiting(base)).toBe(false);
    const named = await mine([GENESIS_BLOCK_ID], note());
    await node.take(named);
    expect(engine.isWaiting(base)).toBe(true);
    const made = valueOf(await build(node, base));
    expect([engine.isWaiting(base), engine.isWaiting(made.id)]).toEqual([true, false]);
    const old = await mine([GENESIS_BLOCK_ID], note());
    await node.take(old);
    expect(engine.isWaiting(made.id)).toBe(true);
    // Heartbeats that leave it behind, until no milestone may reference it any more.
    let top = made;
    const waited: boolean[] = [];
    for (let index = 2; index <= DEPTH + 1; index += 1) {
      waited.push(engine.isWaiting(top.id));
      const isTaken = valueOf(await build(node, top.id)).result.included.length > 0;
      expect(isTaken).toBe(waited.at(-1));
      top = valueOf(await build(node, top.id, { parents: [named.id] }));
    }
    expect([waited[0], engine.isWaiting(top.id)]).toEqual([true, false]);
  });

  it('takes its turn: a check may come while its predecessor is being committed', async () => {
    const [{ node: leader }, { node }] = [await start('leader'), await start('member')];
    const block = await leader.issue(note());
    await node.take(block);
    const lower = valueOf(await build(leader, leader.engine.latest.id));
    const upper = valueOf(await build(leader, lower.id));
    const ends = await Promise.all([
      node.engine.check(upper.id, upper),
      node.engine.check(lower.id, lower),
      node.engine.confirm(certify(lower)),
      node.engine.check(upper.id, upper),
      node.engine.confirm(certify(upper)),
    ]);
    expect(ends.map(codeOf)).toEqual(['milestone-previous', 'ok', 'ok', 'ok', 'ok']);
  });

  it('judges and builds nothing once it has halted', async () => {
    const { node } = await start();
    const made = valueOf(await build(node, node.engine.latest.id));
    node.engine.halt('two histories');
    const refused = { code: 'milestone-index', detail: 'two histories' };
    expect(await node.engine.check(made.id, made)).toMatchObject(refused);
    expect(await build(node, made.id)).toMatchObject(refused);
  });
});
