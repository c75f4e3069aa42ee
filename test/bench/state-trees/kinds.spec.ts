// The structures that the benchmark compares keep their promises, else their cost says nothing.
import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../../../libs/tangle/src/core/crypto/blake2b.ts';
import { KINDS } from './kinds.ts';
import { Milestones, outputNumber } from './outputs.ts';

const SIZE = 300;
const entries = Array.from({ length: SIZE }, (_, index) => outputNumber(index, nobleHasher));

describe.each(KINDS)('the $name', ({ build, verify }) => {
  it('has the same root after changes as when it is built anew, and keeps older states', () => {
    const milestones = new Milestones(SIZE, 1, nobleHasher);
    const first = build(entries, nobleHasher);
    const root = first.root();
    let tree = first;
    for (let count = 1; count <= 32; count *= 2) {
      const { created, consumed } = milestones.next(count);
      tree = tree.apply(created, consumed);
      expect(tree.size).toBe(SIZE);
      const anew = build(milestones.sample(SIZE), nobleHasher);
      expect(tree.root()).toEqual(anew.root());
    }
    expect(first.root()).toEqual(root);
    expect(tree.root()).not.toEqual(root);
  });

  it.each([1, 2, 3, 17, SIZE])('proves each of %i outputs, and nothing else', (size) => {
    const held = entries.slice(0, size);
    const tree = build(held, nobleHasher);
    const root = tree.root();
    for (const entry of held) {
      const proof = tree.proof(entry.outputId);
      expect(verify(root, entry, proof, nobleHasher)).toBe(true);
      const other = { ...entry, outputHash: root };
      expect(verify(root, other, proof, nobleHasher)).toBe(false);
    }
    const [first = outputNumber(0, nobleHasher)] = held;
    const stranger = outputNumber(SIZE, nobleHasher);
    expect(verify(root, stranger, tree.proof(first.outputId), nobleHasher)).toBe(false);
  });

  it('can lose all it has', () => {
    const held = entries.slice(0, 40);
    const ids = held.map(({ outputId }) => outputId);
    const empty = build(held, nobleHasher).apply([], ids);
    expect(empty.size).toBe(0);
    expect(empty.root()).toEqual(build([], nobleHasher).root());
    const again = empty.apply(held, []);
    expect(again.root()).toEqual(build(held, nobleHasher).root());
  });
});
