import { describe, expect, it } from '@jest/globals';
import type { CertificateKind, StatementKind } from '../codec/certificate.ts';
import { signedMessage } from '../codec/certificate.ts';
import type { ConsensusMessage, Proposal, Vote } from '../codec/consensus.ts';
import { idToBytes, type MilestoneId } from '../codec/ids.ts';
import { milestoneIdOf, optionsRootOf, type MilestoneHeader } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { rootOfIds } from '../ledger/apply-milestone.ts';
import { MAX_VIEWS_AHEAD } from '../params/limits.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import type { Verifier } from '../ports.ts';
import type { SignedStatement, SimplexAction, SimplexOptions } from './actions.ts';
import type { Entry } from './final-chain.ts';
import { Simplex } from './simplex.ts';

const ROOT = new Uint8Array(32);
const GENESIS: MilestoneHeader = {
  version: 1,
  epoch: 0,
  index: 0,
  view: 0n,
  timestampMs: 0,
  previousId: '00'.repeat(32) as MilestoneId,
  parentsRoot: ROOT,
  inclusionRoot: ROOT,
  appliedRoot: ROOT,
  stateRoot: ROOT,
  committeeRoot: ROOT,
  optionsRoot: ROOT,
};
const BASE = { id: milestoneIdOf(GENESIS, nobleHasher), header: GENESIS };
const COMMITTEE = [1, 2, 3, 4].map((key) => new Uint8Array(32).fill(key));
const DELTA_MS = 100;
const EPOCH_LENGTH = 3;
const params = { ...NETWORK_PRESETS.test, epochLength: EPOCH_LENGTH };

/** A keyed hash instead of a signature: these tests are about who says what. */
function sign(seat: number, message: Uint8Array): Uint8Array {
  const digest = nobleHasher.blake2b256(new Uint8Array([...COMMITTEE[seat]!, ...message]));
  return new Uint8Array([...digest, ...digest]);
}
const verifier: Verifier = {
  verify: (key, message, signature) =>
    sign(key[0]! - 1, message).every((byte, at) => byte === signature[at]),
};

/** The same, and tells of each check. */
function counting(onVerify: () => void): Verifier {
  return {
    verify(key, message, signature) {
      onVerify();
      return verifier.verify(key, message, signature);
    },
  };
}

interface Milestone {
  readonly id: MilestoneId;
  readonly entry: Entry;
}

function milestone(
  view: bigint,
  parent: MilestoneId = BASE.id,
  more: Partial<MilestoneHeader> = {},
) {
  const body = { parents: [], options: {} };
  const roots = {
    parentsRoot: rootOfIds(body.parents, nobleHasher),
    optionsRoot: optionsRootOf(body.options, nobleHasher),
  };
  const place = { view, index: 1, timestampMs: 10, previousId: parent };
  const header = { ...GENESIS, ...roots, ...place, ...more };
  const entry: Entry = { header, body };
  return { id: milestoneIdOf(header, nobleHasher), entry };
}

/** One seat, and the words of the others. */
class Seat {
  readonly simplex: Simplex;
  readonly signed: SignedStatement[] = [];
  readonly seat: number;
  nowMs = 1_000;
  /** Everything that was asked for, signatures excepted that are given at once. */
  actions: SimplexAction[] = [];

  readonly #signsAtOnce: boolean;

  constructor(
    options: Partial<SimplexOptions> = {},
    onVerify: () => void = () => undefined,
    signsAtOnce = true,
  ) {
    this.#signsAtOnce = signsAtOnce;
    const first = new Simplex(
      {
        networkId: 1n,
        epoch: 0,
        committee: COMMITTEE,
        seat: 0,
        params,
        deltaMs: DELTA_MS,
        base: BASE,
        signed: [],
        ...options,
      },
      { hasher: nobleHasher, verifier: counting(onVerify) },
    );
    this.simplex = first;
    this.seat = options.seat ?? 0;
    this.#do(first.start(this.nowMs));
    this.#do(first.onWaiting(true, this.nowMs));
  }

  #do(actions: readonly SimplexAction[]): void {
    for (const action of actions) {
      if (action.do === 'sign' && this.#signsAtOnce) this.write(action.statement);
      else this.actions.push(action);
    }
  }

  /** The statement is in the log, and signed. */
  write(statement: SignedStatement): void {
    const { kind, epoch, view, digest } = statement;
    this.signed.push(statement);
    const signature = sign(this.seat, signedMessage(1n, kind, epoch, view, digest));
    this.#do(this.simplex.onSigned(statement, signature, this.nowMs));
  }

  hear(message: ConsensusMessage): string {
    const { verdict, actions } = this.simplex.onMessage(message, this.nowMs);
    this.#do(actions);
    return verdict.ok ? 'ok' : verdict.code;
  }

  /** Time passes up to the next timer. */
  wait(ms: number = this.simplex.wakeMs - this.nowMs): void {
    this.nowMs += ms;
    this.#do(this.simplex.onTick(this.nowMs));
  }

  built(view: bigint, entry: Entry): void {
    this.#do(this.simplex.onBuilt(view, entry, this.nowMs));
  }

  checked(view: bigint, id: MilestoneId, isValid = true): void {
    this.#do(this.simplex.onChecked(view, id, isValid, this.nowMs));
  }

  propose({ entry, id }: Milestone, view: bigint = entry.header.view): string {
    const leader = this.simplex.leaderOf(view);
    const message = signedMessage(1n, 'propose', 0, view, idToBytes(id));
    const proposal: Proposal = { epoch: 0, view, ...entry, signature: sign(leader, message) };
    return this.hear({ type: 'proposal', proposal });
  }

  vote(seat: number, kind: CertificateKind, view: bigint, id?: MilestoneId): string {
    const digest = id === undefined ? ROOT : idToBytes(id);
    const signature = sign(seat, signedMessage(1n, kind, 0, view, digest));
    const vote: Vote = { kind, epoch: 0, view, digest, seat, signature };
    return this.hear({ type: 'vote', vote });
  }

  /** Seats 1, 2 and 3 say the same: a quorum. */
  quorum(kind: CertificateKind, view: bigint, id?: MilestoneId): void {
    for (const seat of [1, 2, 3]) this.vote(seat, kind, view, id);
  }

  said(view: bigint): StatementKind[] {
    return this.signed.filter((one) => one.view === view).map(({ kind }) => kind);
  }

  take(kind: SimplexAction['do']): SimplexAction[] {
    const taken = this.actions.filter((action) => action.do === kind);
    this.actions = this.actions.filter((action) => action.do !== kind);
    return taken;
  }

  /** A valid proposal of `view`, checked. */
  accept(one: Milestone): void {
    this.propose(one);
    this.checked(one.entry.header.view, one.id);
  }
}

/** A view that another seat leads. */
function foreignView(node: Seat, from = 1n): bigint {
  let view = from;
  while (node.simplex.leaderOf(view) === node.seat) view += 1n;
  return view;
}

/** The seat stands in `view`, all before it nullified. */
function enter(node: Seat, view: bigint): void {
  for (let at = node.simplex.view; at < view; at += 1n) node.quorum('nullify', at);
}

describe('a vote', () => {
  it('is for the first valid proposal of the leader, once', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    const [first, second] = [milestone(view), milestone(view, BASE.id, { timestampMs: 11 })];
    expect(node.propose(first)).toBe('ok');
    expect(node.take('check')).toMatchObject([{ id: first.id }]);
    node.checked(view, first.id);
    expect(node.propose(second)).toBe('ok');
    node.checked(view, second.id);
    expect(node.said(view)).toEqual(['notarize']);
    expect(node.take('evidence')).toMatchObject([{ evidence: { kind: 'proposals' } }]);
  });

  it('is nullify for an invalid one', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    const one = milestone(view);
    node.propose(one);
    node.checked(view, one.id, false);
    expect(node.said(view)).toEqual(['nullify']);
  });

  it('waits until every view between the parent and this one is nullified', () => {
    const node = new Seat();
    const view = foreignView(node, 3n);
    enter(node, view - 1n);
    const one = milestone(view);
    node.propose(one);
    node.quorum('notarize', view - 1n, milestone(view - 1n).id);
    expect(node.simplex.view).toBe(view);
    node.wait(DELTA_MS);
    expect(node.take('check')).toEqual([]);
    node.quorum('nullify', view - 1n);
    node.propose(milestone(view, BASE.id, { timestampMs: 12 }));
    expect(node.take('check')).toMatchObject([{ id: one.id }]);
  });

  it('is nullify for a milestone of the next epoch', () => {
    const node = new Seat();
    const first = foreignView(node);
    enter(node, first);
    const last = milestone(first, BASE.id, { index: EPOCH_LENGTH - 1 });
    node.accept(last);
    node.quorum('notarize', first, last.id);
    const view = foreignView(node, node.simplex.view);
    enter(node, view);
    node.take('check');
    // The rules of milestones allow it on the last one; its epoch begins when that one is final.
    node.propose(milestone(view, last.id, { index: EPOCH_LENGTH, epoch: 1, timestampMs: 20 }));
    expect(node.take('check')).toEqual([]);
    expect(node.said(view)).toEqual(['nullify']);
  });

  it('to finalise follows the notarization, and never a nullify', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    const one = milestone(view);
    node.accept(one);
    node.quorum('notarize', view, one.id);
    expect(node.said(view)).toEqual(['notarize', 'finalize']);
    expect(node.simplex.view).toBe(view + 1n);

    const late = new Seat();
    enter(late, view);
    late.accept(one);
    late.wait();
    late.quorum('notarize', view, one.id);
    expect(late.said(view)).toEqual(['notarize', 'nullify']);
  });

  it('to nullify comes with the time-out, and never after finalize', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    node.wait();
    expect(node.said(view)).toEqual(['nullify']);
    node.quorum('nullify', view);
    expect(node.simplex.view).toBe(view + 1n);
  });

  it('is said again on every time-out, with the best certificates', () => {
    const node = new Seat();
    enter(node, 2n);
    node.wait();
    node.take('send');
    node.wait();
    const kinds = node.take('send').map((action) => action.do === 'send' && action.message.type);
    expect(kinds).toEqual(['vote', 'certificate']);
  });
});

describe('a milestone', () => {
  it('is final with a quorum of finalize, and carries the certificate', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    const one = milestone(view);
    node.accept(one);
    node.quorum('notarize', view, one.id);
    node.quorum('finalize', view, one.id);
    expect(node.take('final')).toMatchObject([
      { id: one.id, milestone: { certificate: { kind: 'finalize', view } } },
    ]);
    expect(node.simplex.base.id).toBe(one.id);
  });

  it('that is final through its successor is ratified, and again until that is proven', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    const one = milestone(view);
    node.accept(one);
    node.quorum('notarize', view, one.id);
    const two = milestone(view + 1n, one.id, { index: 2, timestampMs: 20 });
    node.propose(two);
    node.quorum('notarize', view + 1n, two.id);
    node.quorum('finalize', view + 1n, two.id);
    expect(node.take('final')).toEqual([]);
    expect(node.said(view)).toContain('ratify');
    node.take('send');
    // Views go on without a time-out; the ratification is sent again all the same.
    node.quorum('nullify', view + 2n);
    node.wait(DELTA_MS);
    expect(node.take('send')).toContainEqual(
      expect.objectContaining({
        message: expect.objectContaining({ vote: expect.objectContaining({ kind: 'ratify' }) }),
      }),
    );
    node.quorum('ratify', view, one.id);
    expect(node.take('final')).toMatchObject([
      { id: one.id, milestone: { certificate: { kind: 'ratify', view } } },
      { id: two.id, milestone: { certificate: { kind: 'finalize' } } },
    ]);
  });

  it('whose content came late is final once it is there', () => {
    const node = new Seat();
    const view = foreignView(node);
    enter(node, view);
    const one = milestone(view);
    node.quorum('notarize', view, one.id);
    node.quorum('finalize', view, one.id);
    expect(node.take('final')).toEqual([]);
    node.wait();
    expect(node.take('fetch').at(-1)).toMatchObject({ ids: [one.id] });
    node.propose(one);
    expect(node.take('final')).toMatchObject([{ id: one.id }]);
  });
});

describe('the leader', () => {
  function ownView(node: Seat): bigint {
    let view = 1n;
    while (node.simplex.leaderOf(view) !== node.seat) view += 1n;
    return view;
  }

  it('builds when the milestone is due, and proposes once', () => {
    const node = new Seat();
    const view = ownView(node);
    enter(node, view);
    node.wait(params.milestoneIntervalMs);
    expect(node.take('build')).toMatchObject([{ view, parent: BASE.id }]);
    const one = milestone(view);
    node.built(view, one.entry);
    node.built(view, milestone(view, BASE.id, { timestampMs: 11 }).entry);
    expect(node.said(view)).toEqual(['propose', 'notarize']);
  });

  it('proposes the last milestone of an epoch again, unchanged, until it is final', () => {
    const node = new Seat();
    const first = foreignView(node);
    enter(node, first);
    node.take('build');
    const last = milestone(first, BASE.id, { index: EPOCH_LENGTH - 1 });
    node.accept(last);
    node.quorum('notarize', first, last.id);
    let view = first + 1n;
    for (; node.simplex.leaderOf(view) !== 0; view += 1n) node.quorum('nullify', view);
    node.wait(params.milestoneIntervalMs);
    expect(node.take('build')).toEqual([]);
    expect(node.signed.at(-1)).toMatchObject({ kind: 'notarize', view });
    node.quorum('notarize', view, last.id);
    node.quorum('finalize', view, last.id);
    const next = node.simplex.view;
    node.wait(10 * params.heartbeatMs);
    expect(node.said(next)).toEqual([]);
    node.quorum('ratify', first, last.id);
    expect(node.simplex.isOver).toBe(true);
  });
});

describe('after a restart', () => {
  it('the log keeps the seat from a second vote and gives peers what it said', () => {
    const before = new Seat();
    const view = foreignView(before);
    enter(before, view);
    const one = milestone(view);
    before.accept(one);
    const after = new Seat({ signed: before.signed });
    expect(after.simplex.entryOf(one.id)).toEqual(one.entry);
    enter(after, view);
    after.propose(milestone(view, BASE.id, { timestampMs: 11 }));
    expect(after.take('check')).toEqual([]);
    const votes = after.signed.filter((said) => said.view === view && said.kind === 'notarize');
    expect(votes).toMatchObject([{ digest: idToBytes(one.id) }]);
    expect(after.simplex.proposalOf(one.id)).toBeDefined();
  });

  it('the log proves what the seat acted on, whoever keeps silent from then on', () => {
    const before = new Seat();
    const view = foreignView(before);
    enter(before, view);
    const one = milestone(view);
    before.accept(one);
    before.quorum('notarize', view, one.id);
    expect(before.signed.at(-1)).toMatchObject({
      kind: 'finalize',
      certificates: [{ kind: 'notarize', view }],
    });
    const after = new Seat({ signed: before.signed });
    expect(after.simplex.view).toBe(view + 1n);
    expect(after.simplex.notarizedTop).toBe(one.id);
    expect(after.simplex.certificatesOf(view)).toMatchObject([{ kind: 'notarize' }]);
    expect(after.said(view)).toEqual(['notarize', 'finalize']);
  });

  it('a certificate is carried by every statement until one of them is in the log', () => {
    const node = new Seat({}, undefined, false);
    enter(node, 3n);
    node.wait();
    const unsigned = node.take('sign').map((action) => action.do === 'sign' && action.statement);
    const carried = unsigned.map((said) => said && said.certificates?.map(({ view }) => view));
    expect(carried.at(-1)).toEqual([1n, 2n]);
    for (const said of unsigned) if (said) node.write(said);
    node.quorum('nullify', 3n);
    node.wait();
    expect(node.take('sign')).toMatchObject([{ statement: { certificates: [{ view: 3n }] } }]);
  });

  it('a seat whose log may be lost is silent below a view', () => {
    const node = new Seat({ silentBelow: 9n });
    const view = foreignView(node);
    enter(node, view);
    node.accept(milestone(view));
    node.wait();
    expect(node.signed).toEqual([]);
    enter(node, 9n);
    node.wait();
    expect(node.said(9n)).toEqual(['nullify']);
  });

  it('votes settle a view whose certificate everybody has lost', () => {
    const [giver, asker] = [new Seat(), new Seat({ seat: 1 })];
    const one = milestone(1n);
    for (const seat of [1, 2]) giver.vote(seat, 'notarize', 1n, one.id);
    asker.vote(3, 'notarize', 1n, one.id);
    for (const message of giver.simplex.messagesOf(1n)) asker.hear(message);
    expect(asker.simplex.certificatesOf(1n)).toMatchObject([{ kind: 'notarize' }]);
    expect(asker.simplex.messagesOf(1n)).toMatchObject([{ type: 'certificate' }]);
  });

  it('takes a final milestone that came by another way', () => {
    const node = new Seat();
    const one = milestone(7n);
    node.simplex.onFinal({ id: one.id, header: one.entry.header }, node.nowMs);
    expect(node.simplex.view).toBe(8n);
    expect(node.vote(1, 'nullify', 7n)).toBe('consensus-view');
  });
});

describe('a clock that is set back', () => {
  it('does not keep the seat from giving a view up', () => {
    const node = new Seat();
    node.nowMs += 600_000;
    enter(node, 2n);
    node.wait(-600_000);
    expect(node.simplex.wakeMs - node.nowMs).toBeLessThan(10 * DELTA_MS);
    node.wait();
    node.wait();
    expect(node.said(2n)).toContain('nullify');
  });
});

describe('messages', () => {
  it('consensus-view: another epoch, over, or too far ahead', () => {
    const node = new Seat();
    expect(node.vote(1, 'nullify', 0n)).toBe('consensus-view');
    expect(node.vote(1, 'nullify', 2n + MAX_VIEWS_AHEAD)).toBe('consensus-view');
    expect(node.propose(milestone(0n))).toBe('consensus-view');
  });

  it('consensus-signature: not by the seat, not by the leader', () => {
    const node = new Seat();
    const vote: Vote = {
      kind: 'nullify',
      epoch: 0,
      view: 1n,
      digest: ROOT,
      seat: 1,
      signature: new Uint8Array(64),
    };
    expect(node.hear({ type: 'vote', vote })).toBe('consensus-signature');
    expect(node.hear({ type: 'vote', vote: { ...vote, seat: 9 } })).toBe('consensus-signature');
    const { entry } = milestone(1n);
    const proposal: Proposal = { epoch: 0, view: 1n, ...entry, signature: new Uint8Array(64) };
    expect(node.hear({ type: 'proposal', proposal })).toBe('consensus-signature');
  });

  it('milestone-root: a relay exchanged the body; the true proposal is taken after it', () => {
    const node = new Seat();
    const made = milestone(1n);
    const { body } = made.entry;
    const altered = { ...made.entry, body: { ...body, options: { powLoadBits: 1 } } };
    expect(node.propose({ ...made, entry: altered })).toBe('milestone-root');
    expect(node.propose(made)).toBe('ok');
  });

  it('block-known: said before', () => {
    const node = new Seat();
    expect(node.vote(1, 'nullify', 1n)).toBe('ok');
    expect(node.vote(1, 'nullify', 1n)).toBe('block-known');
  });

  it('block-known: of a seat that contradicts itself again, its signature not checked', () => {
    let checks = 0;
    const node = new Seat({}, () => (checks += 1));
    const [a, b, c] = [1, 2, 3].map((at) => milestone(1n, BASE.id, { timestampMs: at }).id);
    expect(node.vote(1, 'notarize', 1n, a)).toBe('ok');
    expect(node.vote(1, 'notarize', 1n, b)).toBe('block-known');
    expect(checks).toBe(2);
    expect(node.vote(1, 'notarize', 1n, c)).toBe('block-known');
    expect(checks).toBe(2);
    expect(node.vote(1, 'finalize', 1n, a)).toBe('ok');
    expect(node.vote(1, 'nullify', 1n)).toBe('block-known');
    expect(checks).toBe(3);
  });

  it('of a leader that proposes many fill no memory; what a quorum took is kept', () => {
    const node = new Seat();
    const view = foreignView(node);
    const made = [1, 2, 3].map((at) => milestone(view, BASE.id, { timestampMs: at }));
    // The second is passed on, as evidence; the third is not.
    expect(made.map((one) => node.propose(one))).toEqual(['ok', 'ok', 'block-known']);
    expect(made.map(({ id }) => node.simplex.entryOf(id) !== undefined)).toEqual([
      true,
      false,
      false,
    ]);
    expect(node.take('evidence')).toHaveLength(1);
    node.quorum('notarize', view, made[2]!.id);
    node.propose(made[2]!);
    expect(node.simplex.entryOf(made[2]!.id)).toBeDefined();
  });

  it('that contradict each other are evidence, once per seat and view, and count once', () => {
    const node = new Seat();
    const [a, b] = [milestone(1n), milestone(1n, BASE.id, { timestampMs: 11 })];
    node.vote(1, 'notarize', 1n, a.id);
    node.vote(1, 'notarize', 1n, b.id);
    node.vote(1, 'finalize', 1n, a.id);
    node.vote(1, 'nullify', 1n);
    expect(node.take('evidence')).toMatchObject([{ evidence: { kind: 'votes', seat: 1 } }]);
    node.vote(2, 'notarize', 1n, b.id);
    node.vote(3, 'notarize', 1n, b.id);
    expect(node.simplex.certificatesOf(1n)).toEqual([]);
  });
});
