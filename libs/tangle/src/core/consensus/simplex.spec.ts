/** Simplex on one virtual clock: many seeds, loss, partitions, crashes, byzantine seats. */
import { describe, expect, it } from '@jest/globals';
import type { ConsensusMessage } from '../codec/consensus.ts';
import { signedMessage } from '../codec/certificate.ts';
import { bytesToHex, idToBytes, type MilestoneId } from '../codec/ids.ts';
import { milestoneIdOf, type MilestoneHeader } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import type { Verifier } from '../ports.ts';
import type { Base, Entry } from './final-chain.ts';
import { Simplex, type SignedStatement, type SimplexAction } from './simplex.ts';

const sign = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const digest = nobleHasher.blake2b256(Buffer.concat([key, message]));
  return new Uint8Array(Buffer.concat([digest, digest]));
};
const verifier: Verifier = {
  verify: (key, message, signature) => Buffer.compare(sign(key, message), signature) === 0,
};
const params = { ...NETWORK_PRESETS.test, epochLength: 40 };
const ROOT: MilestoneHeader = {
  version: 1,
  epoch: 0,
  index: 0,
  view: 0n,
  timestampMs: 0,
  previousId: '00'.repeat(32) as MilestoneId,
  parentsRoot: new Uint8Array(32),
  inclusionRoot: new Uint8Array(32),
  appliedRoot: new Uint8Array(32),
  stateRoot: new Uint8Array(32),
  committeeRoot: new Uint8Array(32),
  optionsRoot: new Uint8Array(32),
};
const BASE: Base = { id: milestoneIdOf(ROOT, nobleHasher), header: ROOT };

function rng(seed: number) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Node {
  simplex: Simplex;
  log: SignedStatement[];
  finals: string[];
  headers: Map<string, Entry>;
  epochBase: Base;
  up: boolean;
  key: Uint8Array;
  faulty: boolean;
  gen: number;
}

class World {
  now = 1000;
  queue: { at: number; seq: number; run: () => void }[] = [];
  seq = 0;
  nodes: Node[] = [];
  random;
  committee: Uint8Array[];
  chain = new Map<number, string>();
  bodies = new Map<string, Entry>();
  notes: string[] = [];
  conflicts = 0;
  stats = { evidence: 0, nullified: 0, ratified: 0, crashes: 0 };
  loss;
  partitionUntil = 0;
  side: boolean[] = [];
  finalsById = new Map<string, { milestone: any; id: MilestoneId }>();
  constructor(
    readonly n: number,
    seed: number,
    readonly byz: number,
    readonly lossRate: number,
    readonly durable = true,
  ) {
    this.random = rng(seed);
    this.loss = lossRate;
    this.committee = Array.from({ length: n }, (_, i) => new Uint8Array(32).fill(i + 1));
    for (let i = 0; i < n; i++) {
      const node: Node = {
        simplex: undefined as any,
        log: [],
        finals: [],
        headers: new Map(),
        epochBase: BASE,
        up: true,
        key: this.committee[i]!,
        faulty: i < byz,
        gen: 0,
      };
      this.nodes.push(node);
      this.boot(i, BASE);
    }
  }
  at(ms: number, run: () => void) {
    this.queue.push({ at: this.now + ms, seq: this.seq++, run });
  }
  boot(i: number, base: Base) {
    const node = this.nodes[i]!;
    const epoch = Math.floor((base.header.index + 1) / params.epochLength);
    node.simplex = new Simplex(
      {
        networkId: 1n,
        epoch,
        committee: this.committee,
        seat: i,
        params,
        deltaMs: 300,
        base,
        signed: this.durable ? node.log.filter((s) => s.epoch === epoch) : [],
      },
      { hasher: nobleHasher, verifier },
    );
    node.gen++;
    this.do(i, node.simplex.start(this.now));
    this.do(i, node.simplex.onWaiting(true, this.now));
    this.tick(i, node.gen);
  }
  tick(i: number, gen: number) {
    const node = this.nodes[i]!;
    this.at(20 + this.random() * 30, () => {
      if (node.gen !== gen) return;
      if (node.up) this.do(i, node.simplex.onTick(this.now));
      if (node.up && this.random() < 0.02) {
        const j = Math.floor(this.random() * this.n);
        if (this.nodes[j]!.up && this.nodes[j]!.finals.length > node.finals.length) this.sync(i, j);
      }
      this.tick(i, gen);
    });
  }
  do(i: number, actions: SimplexAction[]) {
    const node = this.nodes[i]!;
    const gen = node.gen;
    for (const action of actions) {
      const later = (ms: number, run: () => void) =>
        this.at(ms, () => {
          if (node.up && node.gen === gen) run();
        });
      switch (action.do) {
        case 'sign': {
          const { statement } = action;
          if (statement.kind === 'nullify') this.stats.nullified++;
          if (statement.kind === 'ratify') this.stats.ratified++;
          later(this.random() * 5, () => {
            if (
              !node.log.some(
                (s) =>
                  s.kind === statement.kind &&
                  s.view === statement.view &&
                  s.epoch === statement.epoch,
              )
            )
              node.log.push(statement);
            const message = signedMessage(
              1n,
              statement.kind,
              statement.epoch,
              statement.view,
              statement.digest,
            );
            this.do(i, node.simplex.onSigned(statement, sign(node.key, message), this.now));
          });
          break;
        }
        case 'send':
          this.broadcast(i, action.message);
          break;
        case 'build':
          later(this.random() * 20, () =>
            this.do(
              i,
              node.simplex.onBuilt(
                action.view,
                this.build(node, action.view, action.parent),
                this.now,
              ),
            ),
          );
          break;
        case 'check':
          later(this.random() * 30, () =>
            this.do(i, node.simplex.onChecked(action.view, action.id, true, this.now)),
          );
          break;
        case 'fetch':
          for (let k = 0; k < 2; k++) {
            const j = Math.floor(this.random() * this.n);
            const peer = this.nodes[j]!;
            if (j === i || !peer.up) continue;
            for (const view of action.views)
              for (const certificate of peer.simplex.certificatesOf(view))
                this.deliver(j, i, { type: 'certificate', certificate });
            for (const id of action.ids) {
              const proposal = peer.simplex.proposalOf(id);
              if (proposal) this.deliver(j, i, { type: 'proposal', proposal });
            }
            // sync of final milestones
            const ahead = peer.finals.length - node.finals.length;
            if (ahead > 0) later(this.random() * 50, () => this.sync(i, j));
          }
          break;
        case 'final':
          this.final(i, action.id, action.milestone);
          break;
        case 'evidence':
          this.stats.evidence++;
          if (this.byz === 0)
            this.notes.push(
              `${this.now} ${i} ${action.evidence.kind} seat ${action.evidence.seat} ${JSON.stringify(action.evidence.pair.map((x: any) => [x.kind, String(x.view), x.header ? milestoneIdOf(x.header, nobleHasher).slice(0, 8) : bytesToHex(x.digest).slice(0, 8)]))}`,
            );
          break;
      }
    }
  }
  sync(i: number, j: number) {
    const node = this.nodes[i]!;
    const peer = this.nodes[j]!;
    const known = node.finals.length;
    if (peer.finals.length <= known) return;
    for (const id of peer.finals.slice(known)) node.finals.push(id);
    const id = node.finals.at(-1)! as MilestoneId;
    const base = { id, header: this.finalsById.get(id)!.milestone.header };
    node.epochBase = base;
    const epoch = Math.floor((base.header.index + 1) / params.epochLength);
    if (epoch !== Math.floor((node.simplex.base.header.index + 1) / params.epochLength))
      this.boot(i, base);
    else this.do(i, node.simplex.onFinal(base, this.now));
  }
  final(i: number, id: MilestoneId, milestone: any) {
    const node = this.nodes[i]!;
    const index = milestone.header.index;
    this.finalsById.set(id, { milestone, id });
    if (!node.faulty) {
      const known = this.chain.get(index);
      if (known === undefined) this.chain.set(index, id);
      else if (known !== id) this.conflicts++;
    }
    if (index !== node.finals.length + 1) return;
    node.finals.push(id);
    node.epochBase = { id, header: milestone.header };
    if (node.simplex.isOver)
      this.at(0, () => {
        if (node.up && node.simplex.isOver) this.boot(i, node.epochBase);
      });
  }
  build(node: Node, view: bigint, parent: MilestoneId, salt = 0): Entry {
    const base =
      parent === node.simplex.base.id
        ? node.simplex.base.header
        : (node.headers.get(parent)?.header ?? this.bodies.get(parent)!.header);
    const header = {
      ...ROOT,
      view,
      index: base.index + 1,
      epoch: Math.floor((base.index + 1) / params.epochLength),
      previousId: parent,
      timestampMs: Math.max(Math.floor(this.now), base.timestampMs + 1),
      stateRoot: new Uint8Array(32).fill(salt),
    };
    const entry: Entry = { header, body: { parents: [], options: {} } };
    this.bodies.set(milestoneIdOf(header, nobleHasher), entry);
    return entry;
  }
  broadcast(i: number, message: ConsensusMessage) {
    const node = this.nodes[i]!;
    for (let j = 0; j < this.n; j++) {
      if (j === i) continue;
      this.deliver(i, j, node.faulty ? this.corrupt(i, j, message) : message);
    }
  }
  /** A byzantine seat tells even seats one thing and odd seats another. */
  corrupt(i: number, j: number, message: ConsensusMessage): ConsensusMessage {
    const node = this.nodes[i]!;
    if (this.random() < 0.3) return message;
    if (message.type === 'proposal' && message.proposal.header.view === message.proposal.view) {
      const entry = this.build(
        node,
        message.proposal.view,
        message.proposal.header.previousId,
        j % 2,
      );
      const id = milestoneIdOf(entry.header, nobleHasher);
      const signature = sign(
        node.key,
        signedMessage(1n, 'propose', message.proposal.epoch, message.proposal.view, idToBytes(id)),
      );
      return { type: 'proposal', proposal: { ...message.proposal, ...entry, signature } };
    }
    if (message.type === 'vote') {
      // votes for whatever the receiver's side has seen
      const round = [...this.bodies]
        .filter(([, e]) => e.header.view === message.vote.view)
        .map(([id]) => id);
      const kinds = ['notarize', 'nullify', 'finalize'] as const;
      const kind = kinds[Math.floor(this.random() * 3)]!;
      const digest =
        kind === 'nullify' || round.length === 0
          ? new Uint8Array(32)
          : idToBytes(round[j % round.length]! as MilestoneId);
      const k = round.length === 0 ? 'nullify' : kind;
      const signature = sign(
        node.key,
        signedMessage(1n, k, message.vote.epoch, message.vote.view, digest),
      );
      return { type: 'vote', vote: { ...message.vote, kind: k, digest, signature } };
    }
    return message;
  }
  deliver(i: number, j: number, message: ConsensusMessage) {
    const cut = this.now < this.partitionUntil && this.side[i] !== this.side[j];
    if (cut || this.random() < this.loss) return;
    const times = this.random() < 0.05 ? 2 : 1;
    for (let t = 0; t < times; t++)
      this.at(5 + this.random() ** 3 * 400, () => {
        const node = this.nodes[j]!;
        if (!node.up) return;
        this.do(j, node.simplex.onMessage(message, this.now).actions);
      });
  }
  run(untilMs: number, chaos: boolean) {
    while (this.queue.length > 0) {
      let best = 0;
      for (let k = 1; k < this.queue.length; k++) {
        const a = this.queue[k]!,
          b = this.queue[best]!;
        if (a.at < b.at || (a.at === b.at && a.seq < b.seq)) best = k;
      }
      const event = this.queue[best]!;
      if (event.at > untilMs) break;
      this.queue[best] = this.queue.at(-1)!;
      this.queue.pop();
      this.now = event.at;
      event.run();
      if (chaos && this.random() < 0.0005) {
        this.partitionUntil = this.now + this.random() * 5000;
        this.side = this.nodes.map(() => this.random() < 0.5);
      }
      if (chaos && this.random() < 0.0005) {
        const i = Math.floor(this.random() * this.n);
        this.crash(i);
      }
    }
  }
  crash(i: number) {
    const node = this.nodes[i]!;
    if (!node.up) return;
    this.stats.crashes++;
    node.up = false;
    node.gen++;
    this.at(this.random() * 3000, () => {
      node.up = true;
      this.boot(i, node.epochBase);
    });
  }
}

function play(n: number, seed: number, byz: number, durable = true) {
  const world = new World(n, seed, byz, 0.1, durable);
  world.run(30_000, true);
  world.loss = 0;
  world.partitionUntil = 0;
  const before = Math.max(...world.nodes.map((x) => x.finals.length));
  world.run(60_000, false);
  const honest = world.nodes.filter((x) => !x.faulty);
  return {
    world,
    before,
    least: Math.min(...honest.map((x) => x.finals.length)),
    conflicts: world.conflicts,
  };
}

describe('Simplex', () => {
  it('keeps one chain and goes on', () => {
    const seeds = Number(process.env['SEEDS'] ?? 20);
    const out: string[] = [];
    const only = Number(process.env['ONLY'] ?? 0);
    for (let seed = only || 1; seed <= (only || seeds); seed++) {
      const n = [1, 4, 4, 7][seed % 4]!;
      const byz = seed % 3 === 0 ? Math.floor((n - 1) / 3) : 0;
      const r = play(n, seed, byz);
      if (only)
        for (const [i, x] of r.world.nodes.entries())
          out.push(
            `${i} final ${x.finals.length} base ${x.simplex.base.header.index}@${x.simplex.base.header.view} view ${x.simplex.view} ` +
              Array.from(
                { length: Number(x.simplex.view) - Number(x.simplex.base.header.view) + 1 },
                (_, k) => {
                  const v = BigInt(k) + x.simplex.base.header.view;
                  return (
                    v +
                    ':' +
                    x.simplex
                      .certificatesOf(v)
                      .map((c) => c.kind[0] + c.kind[1])
                      .join('') +
                    '/' +
                    JSON.stringify(
                      x.log
                        .filter((l) => l.view === v && l.epoch === 0)
                        .map((l) => l.kind.slice(0, 3)),
                    )
                  );
                },
              )
                .slice(-6)
                .join(' '),
          );
      out.push(
        `${seed} n=${n} byz=${byz} before=${r.before} least=${r.least} conflicts=${r.conflicts} ${JSON.stringify(r.world.stats)}`,
      );
      out.push(...r.world.notes);
      if (r.conflicts > 0 || r.least < r.before + 10) out.push('   ^^^^ BAD');
    }
    console.log(out.join('\n'));
    expect(out.filter((x) => x.includes('BAD'))).toEqual([]);
  });
});
