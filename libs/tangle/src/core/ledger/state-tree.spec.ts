import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { idToBytes, outputIdOf } from '../codec/ids.ts';
import type { OutputId, TransactionId } from '../codec/ids.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import { decodeStateProof, encodeStateProof, verifyStateProof } from './state-proof.ts';
import { StateTree } from './state-tree.ts';
import type { StateEntry } from './state-tree.ts';

const H = (bytes: Uint8Array): Uint8Array => nobleHasher.blake2b256(bytes);

function entry(number: number): StateEntry {
  const transactionId = (number >>> 4).toString(16).padStart(64, '0') as TransactionId;
  const outputId = outputIdOf(transactionId, number & 15);
  return { outputId, outputHash: H(new Uint8Array([number & 255, 7])) };
}

const numbers = fc.uniqueArray(fc.nat(4_000), { maxLength: 60 });

function grow(list: readonly number[]): StateTree {
  return StateTree.empty(nobleHasher).apply(list.map(entry), []);
}

function prove(tree: StateTree, id: OutputId): Uint8Array {
  const proof = tree.proof(id);
  if (proof === undefined) throw new Error('not in the tree');
  return encodeStateProof(proof);
}

describe('StateTree', () => {
  it('has the root of the empty string when nothing is unspent', () => {
    expect(StateTree.empty(nobleHasher).root()).toEqual(H(new Uint8Array(0)));
    expect(StateTree.build([], nobleHasher).root()).toEqual(H(new Uint8Array(0)));
    expect(grow([1, 2]).apply([], [entry(2).outputId, entry(1).outputId]).size).toBe(0);
  });

  it('hashes one leaf and two leaves as the spec says', () => {
    const leafHash = ({ outputId, outputHash }: StateEntry): Uint8Array =>
      H(new Uint8Array([0, ...idToBytes(outputId), ...outputHash]));
    expect(grow([5]).root()).toEqual(leafHash(entry(5)));
    const sorted = [entry(5), entry(6)]
      .map((one) => ({ one, key: H(idToBytes(one.outputId)) }))
      .toSorted((a, b) => (Buffer.compare(a.key, b.key) < 0 ? -1 : 1));
    const bits = sorted.map(({ key }) =>
      [...key].map((b) => b.toString(2).padStart(8, '0')).join(''),
    );
    const bitIndex = Array.from(bits[0] ?? '').findIndex((bit, index) => bit !== bits[1]?.[index]);
    const leaves = sorted.flatMap(({ one }) => Array.from(leafHash(one)));
    expect(grow([5, 6]).root()).toEqual(H(new Uint8Array([1, bitIndex, 0, ...leaves])));
  });

  it('does not depend on the order or the history of changes', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.infiniteStream(fc.nat()), (kept, extra, stream) => {
        const passing = extra.filter((number) => !kept.includes(number));
        const shuffled = [...kept, ...passing]
          .map((number) => ({ number, rank: stream.next().value }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ number }) => number);
        const tree = grow(shuffled).apply(
          [],
          passing.map((number) => entry(number).outputId),
        );
        expect(tree.root()).toEqual(grow(kept).root());
        expect(tree.root()).toEqual(StateTree.build(kept.map(entry), nobleHasher).root());
        expect(tree.size).toBe(kept.length);
      }),
      { numRuns: 40 },
    );
  });

  it('applies a diff as if its changes came one by one', () => {
    const many = fc.uniqueArray(fc.nat(400), { maxLength: 120, size: 'max' });
    fc.assert(
      fc.property(many, many, fc.nat(3), (before, mentioned, rest) => {
        const held = new Set(before);
        const created = mentioned.filter((one) => !held.has(one));
        // Some of what was there leaves, and some of what enters leaves at once.
        const gone = [...before, ...created].filter((one) => one % 4 === rest);
        const ids = gone.map((one) => entry(one).outputId);
        const tree = grow(before);
        let slow = tree;
        for (const one of created) slow = slow.insert(entry(one));
        for (const outputId of ids) slow = slow.delete(outputId);
        const fast = tree.apply(created.map(entry), ids);
        expect([fast.size, fast.root()]).toEqual([slow.size, slow.root()]);
        expect(tree.root()).toEqual(grow(before).root());
      }),
    );
  });

  it('stops the process when a diff does not fit', () => {
    const tree = grow([1, 2, 3, 4, 5]);
    const idOf = (number: number) => entry(number).outputId;
    expect(() => tree.apply([entry(3)], [])).toThrow('broken invariant');
    expect(() => tree.apply([entry(9), entry(9)], [])).toThrow('broken invariant');
    expect(() => tree.apply([entry(8)], [idOf(9)])).toThrow('broken invariant');
    expect(() => tree.apply([], [idOf(2), idOf(2)])).toThrow('broken invariant');
    expect(() => StateTree.empty(nobleHasher).apply([], [idOf(1)])).toThrow('broken invariant');
  });

  it('leaves earlier trees as they were', () => {
    const before = grow([1, 2, 3]);
    const root = before.root();
    before.insert(entry(4)).delete(entry(1).outputId).root();
    expect(before.root()).toEqual(root);
    expect(before.has(entry(1).outputId)).toBe(true);
    expect(before.has(entry(4).outputId)).toBe(false);
  });

  it('proves what is unspent and nothing else', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(4_000), { minLength: 2, maxLength: 60 }), (list) => {
        const [absent, ...present] = list.map(entry);
        if (absent === undefined) return;
        const tree = StateTree.build(present, nobleHasher);
        const root = tree.root();
        expect(tree.proof(absent.outputId)).toBeUndefined();
        for (const { outputId, outputHash } of present) {
          const proof = decodeStateProof(prove(tree, outputId));
          if (!proof.ok) throw new Error(proof.code);
          const holds = (id: OutputId, hash: Uint8Array): boolean =>
            verifyStateProof(root, id, hash, proof.value, nobleHasher);
          expect(holds(outputId, outputHash)).toBe(true);
          expect(holds(absent.outputId, outputHash)).toBe(false);
          expect(holds(outputId, H(outputHash))).toBe(false);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('stops the process when an output enters twice or a spent one leaves', () => {
    expect(() => grow([1]).insert(entry(1))).toThrow('broken invariant');
    expect(() => grow([1]).delete(entry(2).outputId)).toThrow('broken invariant');
    expect(() => StateTree.build([entry(1), entry(1)], nobleHasher)).toThrow('broken invariant');
  });
});

describe('a state proof on the wire', () => {
  const tree = grow([1, 2, 3, 4, 5, 6, 7, 8]);
  const { outputId, outputHash } = entry(3);
  const bytes = prove(tree, outputId);

  it('breaks when any byte of it changes', () => {
    for (const at of bytes.keys()) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const proof = decodeStateProof(changed);
      const holds =
        proof.ok && verifyStateProof(tree.root(), outputId, outputHash, proof.value, nobleHasher);
      expect(holds).toBe(false);
    }
  });

  it('proof-invalid: bit indexes that do not grow, or lie beyond 255', () => {
    const step = (bitIndex: number): number[] => [
      bitIndex & 255,
      bitIndex >>> 8,
      ...new Uint8Array(32),
    ];
    for (const indexes of [[5, 5], [6, 5], [256]]) {
      const forged = new Uint8Array([indexes.length, 0, ...indexes.flatMap(step)]);
      expect(decodeStateProof(forged)).toMatchObject({ ok: false, code: 'proof-invalid' });
    }
  });

  it('count-out-of-range, too-large, truncated, trailing-bytes', () => {
    const codeOf = (input: Uint8Array): unknown => decodeStateProof(input);
    expect(codeOf(new Uint8Array([1, 1]))).toMatchObject({ code: 'count-out-of-range' });
    expect(codeOf(new Uint8Array(8_707))).toMatchObject({ code: 'too-large' });
    expect(codeOf(bytes.subarray(0, -1))).toMatchObject({ code: 'truncated' });
    expect(codeOf(new Uint8Array([...bytes, 0]))).toMatchObject({ code: 'trailing-bytes' });
  });

  it('never throws on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (input) => {
        const proof = decodeStateProof(input);
        const again = proof.ok ? encodeStateProof(proof.value) : input;
        expect(again).toEqual(input);
      }),
    );
  });
});
