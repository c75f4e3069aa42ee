/**
 * Snapshots: what is written is read and proven; every damage and every lie is refused, each lie by
 * its code. One test per code of codes.ts, and the page holds the same table.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { bytesToHex, type BlockId } from '../codec/ids.ts';
import { decodeMilestone, encodeMilestone, type Milestone } from '../codec/milestone.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { StateTree } from '../ledger/state-tree.ts';
import { stateEntryOf } from '../ledger/ledger-diff.ts';
import { basic, bond, blockId, keyPair, outputId } from '../testing/ledger-fixtures.ts';
import {
  encodeFile,
  inventedRecord,
  SnapshotFixture,
  verifyBytes,
  type SnapshotFile,
} from '../testing/snapshot-fixture.ts';
import { FRAME_KINDS } from './codec.ts';
import { SNAPSHOT_CODES, type SnapshotOutcome } from './codes.ts';
import { encodePrefix, FrameWriter } from './frames.ts';
import { SnapshotParser } from './parser.ts';
import type { VerifiedSnapshot } from './verifier.ts';

const fixture = new SnapshotFixture();
fixture.advance(9);
const FULL = 6;
const full = fixture.file(FULL);
const delta = fixture.file(9, FULL);

function verified(outcome: SnapshotOutcome<VerifiedSnapshot>): VerifiedSnapshot {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.detail}`);
  return outcome.value;
}

const base = verified(verifyBytes(encodeFile(full), fixture.trust));
const fullCode = (file: SnapshotFile): string =>
  codeOf(verifyBytes(encodeFile(file), fixture.trust));
const deltaCode = (file: SnapshotFile): string =>
  codeOf(verifyBytes(encodeFile(file), fixture.trust, base));

function codeOf(outcome: SnapshotOutcome<unknown>): string {
  return outcome.ok ? 'ok' : outcome.code;
}

const withHeader = (file: SnapshotFile, more: Partial<SnapshotFile['header']>): SnapshotFile => ({
  ...file,
  header: { ...file.header, ...more },
});

/** The file with milestone number `at` of its window changed and, if asked, certified anew. */
function withMilestone(
  file: SnapshotFile,
  at: number,
  change: (milestone: Milestone) => Pick<Milestone, 'header' | 'body'> & Partial<Milestone>,
): SnapshotFile {
  const milestones = file.milestones.map((one, position) => {
    if (position !== at) return one;
    const decoded = decodeMilestone(one.bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    const changed = change(decoded.value);
    const bytes = encodeMilestone({ ...decoded.value, ...changed });
    return { ...one, bytes };
  });
  return { ...file, milestones };
}

describe('a snapshot', () => {
  it('is proven as it was written, whatever the size of its pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), (chunk) => {
        const read = verified(verifyBytes(encodeFile(full), fixture.trust, undefined, chunk));
        expect(read.header).toEqual(full.header);
        expect(read.stateTree.root()).toEqual(fixture.headers[FULL]!.header.stateRoot);
      }),
      { numRuns: 10 },
    );
  });

  it('comes back part by part', () => {
    const parser = new SnapshotParser(nobleHasher);
    const parts = parser.push(encodeFile(full));
    if (!parts.ok) throw new Error(parts.code);
    expect(parser.finish().ok).toBe(true);
    const outputs = parts.value.flatMap((part) => (part.type === 'outputs' ? part.records : []));
    const milestones = parts.value.flatMap((part) =>
      part.type === 'milestone' ? [part.milestone] : [],
    );
    expect({ outputs, milestones }).toEqual({ outputs: full.outputs, milestones: full.milestones });
  });

  it('and its delta give the state after both, near genesis and far from it', () => {
    for (const [from, to] of [
      [1, 2],
      [1, 9],
      [3, 8],
      [6, 9],
      [0, 5],
    ] as const) {
      const start = verified(verifyBytes(encodeFile(fixture.file(from)), fixture.trust));
      const bytes = encodeFile(fixture.file(to, from));
      const after = verified(verifyBytes(bytes, fixture.trust, start));
      const entries = fixture.ledgers[to]!.map((record) => stateEntryOf(record, nobleHasher));
      expect(after.stateTree.root()).toEqual(StateTree.build(entries, nobleHasher).root());
      expect(after).toMatchObject({ index: to, id: fixture.headers[to]!.id });
    }
  });
});

describe('damage', () => {
  // As small as a file can be: the genesis milestone alone.
  const small = encodeFile(fixture.file(0));

  it('snapshot-truncated: at every byte', () => {
    for (let length = 0; length < small.length; length++) {
      const outcome = verifyBytes(small.subarray(0, length), fixture.trust);
      expect([length, codeOf(outcome)]).toEqual([length, 'snapshot-truncated']);
    }
  });

  it('of any byte is refused, by what the byte says', () => {
    const codes = new Set<string>();
    for (let at = 0; at < small.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Uint8Array.from(small);
        damaged[at]! ^= flip;
        const code = codeOf(verifyBytes(damaged, fixture.trust));
        expect([at, code]).not.toEqual([at, 'ok']);
        codes.add(code);
      }
    }
    const byPlace = ['magic', 'version', 'checksum', 'truncated', 'form', 'trailing'];
    const expected = new Set(byPlace.map((name) => `snapshot-${name}`));
    expect([...codes].filter((code) => !expected.has(code))).toEqual([]);
  });

  it('snapshot-checksum: a byte of an output', () => {
    const damaged = encodeFile(full);
    damaged[damaged.length - 100]! ^= 1;
    expect(codeOf(verifyBytes(damaged, fixture.trust))).toBe('snapshot-checksum');
  });

  it('anywhere in a full snapshot or a delta is refused, and so is every shorter file', () => {
    const files = [
      { bytes: encodeFile(full), on: undefined },
      { bytes: encodeFile(delta), on: base },
    ];
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), fc.boolean(), ({ bytes, on }, pick, cut) => {
        const at = pick % bytes.length;
        const damaged = cut ? bytes.slice(0, at) : Uint8Array.from(bytes);
        if (!cut) damaged[at]! ^= 1 + (pick % 255);
        expect(verifyBytes(damaged, fixture.trust, on).ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('snapshot-trailing: bytes behind the end', () => {
    const longer = Uint8Array.of(...small, 0);
    expect(codeOf(verifyBytes(longer, fixture.trust))).toBe('snapshot-trailing');
    expect(codeOf(verifyBytes(Uint8Array.of(...small, ...small), fixture.trust))).toBe(
      'snapshot-trailing',
    );
  });

  it('snapshot-magic: another file', () => {
    const text = Buffer.from('{"this is": "some other file"}');
    expect(codeOf(verifyBytes(text, fixture.trust))).toBe('snapshot-magic');
  });

  it('snapshot-version: a newer program wrote it', () => {
    const newer = Uint8Array.from(small);
    newer[8] = 2;
    expect(codeOf(verifyBytes(newer, fixture.trust))).toBe('snapshot-version');
  });

  it('never fills the memory: a frame of gigabytes is not waited for', () => {
    const huge = Uint8Array.of(...encodePrefix(), 1, 0xff, 0xff, 0xff, 0xff);
    expect(codeOf(verifyBytes(huge, fixture.trust))).toBe('snapshot-form');
  });

  it('of random bytes behind the prefix never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
        const bytes = Uint8Array.of(...encodePrefix(), ...tail);
        expect(verifyBytes(bytes, fixture.trust).ok).toBe(false);
      }),
    );
  });

  it('snapshot-form: random bodies in frames with true checksums never throw', () => {
    const kinds = [0, 6, 255, ...Object.values(FRAME_KINDS)];
    const frame = fc.tuple(fc.constantFrom(...kinds), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (frames) => {
        const writer = new FrameWriter(nobleHasher);
        const framed = frames.flatMap(([kind, body]) => [...writer.frame(kind, body)]);
        const bytes = Uint8Array.of(...encodePrefix(), ...framed);
        expect(verifyBytes(bytes, fixture.trust).ok).toBe(false);
      }),
    );
    const unknown = new FrameWriter(nobleHasher).frame(6, new Uint8Array(3));
    const bytes = Uint8Array.of(...encodePrefix(), ...unknown);
    expect(codeOf(verifyBytes(bytes, fixture.trust))).toBe('snapshot-form');
  });
});

describe('a lie with a true checksum', () => {
  it('snapshot-network: other network, other genesis, other milestone 0', () => {
    expect(fullCode(withHeader(full, { networkId: 5n }))).toBe('snapshot-network');
    expect(fullCode(withHeader(full, { genesisId: base.id }))).toBe('snapshot-network');
    const near = fixture.file(2);
    const [first, ...rest] = near.milestones;
    const withCone = { ...near, milestones: [{ ...first!, cone: [blockId(1)] }, ...rest] };
    expect(fullCode(withCone)).toBe('snapshot-network');
  });

  it('snapshot-base: a delta alone, on another full one, or a full one behind a full one', () => {
    expect(fullCode(delta)).toBe('snapshot-base');
    const header = { base: { index: 5, id: fixture.headers[5]!.id } };
    expect(deltaCode(withHeader(delta, header))).toBe('snapshot-base');
    expect(
      deltaCode(withHeader(delta, { base: { index: FULL, id: delta.header.target.id } })),
    ).toBe('snapshot-base');
    expect(deltaCode(full)).toBe('snapshot-base');
    expect(deltaCode(fixture.file(6, 6))).toBe('snapshot-base');
  });

  it('snapshot-window: fewer milestones, or another target than the last of them', () => {
    const windowFirst = full.header.windowFirst + 1;
    const shorter = { ...full, milestones: full.milestones.slice(1) };
    expect(fullCode(withHeader(shorter, { windowFirst }))).toBe('snapshot-window');
    const { target } = full.header;
    const other = { ...target, id: fixture.headers[5]!.id };
    expect(fullCode(withHeader(full, { target: other }))).toBe('snapshot-window');
    const later = { ...target, timestampMs: target.timestampMs + 1 };
    expect(fullCode(withHeader(full, { target: later }))).toBe('snapshot-window');
  });

  it('snapshot-milestone: link, time, body or term of a milestone', () => {
    const certified = (more: Partial<Milestone['header']>) => (milestone: Milestone) =>
      fixture.chain.certify({ ...milestone, header: { ...milestone.header, ...more } });
    const lies = [
      { previousId: fixture.headers[1]!.id },
      { timestampMs: 1_700_000_000_001 },
      { epoch: 1 },
      { parentsRoot: new Uint8Array(32) },
      { optionsRoot: new Uint8Array(32) },
    ];
    for (const lie of lies) {
      expect(fullCode(withMilestone(full, 3, certified(lie)))).toBe('snapshot-milestone');
    }
    const body = withMilestone(full, 3, ({ header }) => ({
      header,
      body: { parents: [blockId(9)], options: {} },
    }));
    expect(fullCode(body)).toBe('snapshot-milestone');
  });

  it('snapshot-certificate: too few, foreign or missing signatures, or another committee', () => {
    const stranger = new SnapshotFixture(4);
    const strange = withMilestone(full, 1, (milestone) => ({
      ...milestone,
      certificate: {
        ...milestone.certificate,
        signatures: milestone.certificate.signatures.map(() => new Uint8Array(64)),
      },
    }));
    expect(fullCode(strange)).toBe('snapshot-certificate');
    const few = withMilestone(full, 0, (milestone) => ({
      ...milestone,
      certificate: {
        ...milestone.certificate,
        signers: milestone.certificate.signers.slice(1),
        signatures: milestone.certificate.signatures.slice(1),
      },
    }));
    expect(fullCode(few)).toBe('snapshot-certificate');
    const changed = withMilestone(full, 2, (milestone) => ({
      ...milestone,
      header: { ...milestone.header, appliedRoot: new Uint8Array(32) },
    }));
    expect(fullCode(changed)).toBe('snapshot-certificate');
    const trust = { ...stranger.trust, committeeOf: () => [keyPair(1).publicKey] };
    expect(codeOf(verifyBytes(encodeFile(full), trust))).toBe('snapshot-certificate');
    const unknown = { ...fixture.trust, committeeOf: () => undefined };
    expect(codeOf(verifyBytes(encodeFile(full), unknown))).toBe('snapshot-certificate');
  });

  it('snapshot-inclusion: a block more, fewer, other, or in another order', () => {
    const cones: ((cone: readonly BlockId[]) => readonly BlockId[])[] = [
      (cone) => [...cone, blockId(7)],
      (cone) => cone.slice(1),
      (cone) => cone.toReversed(),
      () => [],
    ];
    for (const lie of cones) {
      const milestones = full.milestones.map((one, at) =>
        at === 2 ? { ...one, cone: lie(one.cone) } : one,
      );
      expect(fullCode({ ...full, milestones })).toBe('snapshot-inclusion');
    }
  });

  it('snapshot-state-root: an output more, fewer, or richer', () => {
    const outputs = full.outputs!;
    const [first] = outputs;
    const lies = [
      [...outputs, inventedRecord(first!)],
      outputs.slice(1),
      [{ ...first!, output: { ...first!.output, amount: 5n } }, ...outputs.slice(1)],
    ];
    for (const lie of lies) {
      const file = withHeader({ ...full, outputs: lie }, { unspentCount: lie.length });
      expect(fullCode(file)).toBe('snapshot-state-root');
    }
    const changes = delta.changes!.slice(0, -1);
    expect(deltaCode({ ...delta, changes })).toBe('snapshot-state-root');
  });

  it('snapshot-supply: a committee that certifies tokens out of nothing', () => {
    const outputs = [...full.outputs!, inventedRecord(full.outputs![0]!)];
    const entries = outputs.map((record) => stateEntryOf(record, nobleHasher));
    const stateRoot = StateTree.build(entries, nobleHasher).root();
    const at = full.milestones.length - 1;
    const forged = withMilestone(full, at, (milestone) =>
      fixture.chain.certify({ ...milestone, header: { ...milestone.header, stateRoot } }),
    );
    const decoded = decodeMilestone(forged.milestones[at]!.bytes);
    if (!decoded.ok) throw new Error(decoded.code);
    const id = fixture.idOf(decoded.value.header);
    const target = { ...full.header.target, id };
    const file = withHeader({ ...forged, outputs }, { target, unspentCount: outputs.length });
    expect(fullCode(file)).toBe('snapshot-supply');
  });

  it('snapshot-ledger: a change of what is not there, or booked in the future', () => {
    const consumed = delta.changes!.find(({ kind }) => kind === 'consumed');
    if (consumed?.kind !== 'consumed') throw new Error('the delta consumes');
    const replace = (by: typeof consumed) =>
      delta.changes!.map((change) => (change === consumed ? by : change));
    const richer = { ...consumed.output, amount: 1n };
    expect(deltaCode({ ...delta, changes: replace({ ...consumed, output: richer }) })).toBe(
      'snapshot-ledger',
    );
    const absent = { ...consumed, outputId: outputId(0) };
    const without = delta.changes!.filter((change) => change !== consumed);
    expect(deltaCode({ ...delta, changes: [absent, ...without] })).toBe('snapshot-ledger');
    const twice = delta.changes!.map((change) =>
      change === consumed
        ? ({
            kind: 'created',
            record: full.outputs!.find(({ outputId: id }) => id === consumed.outputId)!,
          } as const)
        : change,
    );
    expect(deltaCode({ ...delta, changes: twice })).toBe('snapshot-ledger');
    const late = { ...full.outputs![0]!, milestoneIndex: FULL + 1 };
    expect(fullCode({ ...full, outputs: [late, ...full.outputs!.slice(1)] })).toBe(
      'snapshot-ledger',
    );
  });

  it('snapshot-order: milestones, outputs, changes and frames', () => {
    const swapped = [full.milestones[1]!, full.milestones[0]!, ...full.milestones.slice(2)];
    expect(fullCode({ ...full, milestones: swapped })).toBe('snapshot-order');
    expect(fullCode({ ...full, outputs: full.outputs!.toReversed() })).toBe('snapshot-order');
    const twice = [full.outputs![0]!, ...full.outputs!];
    expect(fullCode({ ...full, outputs: twice })).toBe('snapshot-order');
    expect(deltaCode({ ...delta, changes: delta.changes!.toReversed() })).toBe('snapshot-order');
    expect(fullCode({ ...full, outputs: [], changes: delta.changes! })).toBe('snapshot-order');
    expect(fullCode({ ...full, milestones: [] })).toBe('snapshot-order');
  });

  it('snapshot-count: more or fewer than the header and the end say', () => {
    const unspentCount = full.header.unspentCount;
    expect(fullCode(withHeader(full, { unspentCount: unspentCount - 1 }))).toBe('snapshot-count');
    expect(fullCode(withHeader(full, { unspentCount: unspentCount + 1 }))).toBe('snapshot-count');
    expect(deltaCode(withHeader(delta, { unspentCount: delta.header.unspentCount + 1 }))).toBe(
      'snapshot-count',
    );
    const fewer = { ...full, milestones: full.milestones.slice(0, -1) };
    expect(fullCode(fewer)).toBe('snapshot-count');
    const more = [...full.milestones, full.milestones[0]!];
    expect(fullCode({ ...full, milestones: more })).toBe('snapshot-count');
  });
});

describe('docs/spec/12-snapshot.md', () => {
  it('has the table of codes', () => {
    const page = new URL('../../../../../docs/spec/12-snapshot.md', import.meta.url);
    const text = readFileSync(page, 'utf8');
    const rows = Object.entries(SNAPSHOT_CODES).map(
      ([code, meaning]) => `| ${code} | ${meaning} |`,
    );
    for (const row of rows) expect(text).toContain(row);
    const inPage = [...text.matchAll(/^\| (snapshot-[a-z-]+) \|/gm)].map(([, code]) => code);
    expect(inPage).toEqual(Object.keys(SNAPSHOT_CODES));
  });

  it('has the worked example', () => {
    const page = new URL('../../../../../docs/spec/12-snapshot.md', import.meta.url);
    const [, example = ''] = /## 11\. Worked example[\s\S]*?```\n([\s\S]*?)```/.exec(
      readFileSync(page, 'utf8'),
    )!;
    const hex = example
      .split('\n')
      .map((line) => line.split('   ')[0]!.replaceAll(' ', ''))
      .join('');
    const bytes = encodeFile(new SnapshotFixture(1).file(0));
    expect(hex).toBe(bytesToHex(bytes).slice(0, hex.length));
    expect(hex).toHaveLength(2 * (10 + 5 + 93 + 32));
  });

  it('has no code without a test', () => {
    const own = readFileSync(new URL(import.meta.url), 'utf8');
    const named = new Set([...own.matchAll(/\bit\('(snapshot-[a-z-]+):/g)].map(([, code]) => code));
    expect(Object.keys(SNAPSHOT_CODES).filter((code) => !named.has(code))).toEqual([]);
  });
});

describe('outputs of every form', () => {
  it('come back from a frame', () => {
    const record = fixture.ledgers[FULL]![0]!;
    const channel = {
      kind: 'channel',
      amount: 7n,
      payerPublicKey: keyPair(3).publicKey,
      payee: keyPair(4).address,
      refundAddress: keyPair(5).address,
      expiry: 9,
    } as const;
    const timed = basic(3n, keyPair(6).address, {
      timelock: 5,
      expiration: { unixSeconds: 6, returnAddress: keyPair(7).address },
    });
    const bonded = bond(8n, { key: keyPair(8), owner: keyPair(9) }, 10);
    const outputs = [
      { ...record, outputId: outputId(1), output: channel },
      { ...record, outputId: outputId(2), output: timed },
      { ...record, outputId: outputId(3), output: bonded },
    ];
    const file = withHeader({ ...full, outputs }, { unspentCount: 3 });
    const parsed = new SnapshotParser(nobleHasher).push(encodeFile(file));
    if (!parsed.ok) throw new Error(parsed.code);
    expect(parsed.value.flatMap((part) => (part.type === 'outputs' ? part.records : []))).toEqual(
      outputs,
    );
  });
});
