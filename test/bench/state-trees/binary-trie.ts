/**
 * Today's structure, libs/tangle/src/core/ledger/state-tree.ts: a compressed binary Merkle trie. It
 * could prove absence by the leaf where the walk of an absent key ends; nothing asks for that yet.
 */
import {
  decodeStateProof,
  encodeStateProof,
  verifyStateProof,
} from '../../../libs/tangle/src/core/ledger/state-proof.ts';
import { StateTree } from '../../../libs/tangle/src/core/ledger/state-tree.ts';
import type { StateStructure, StructureKind } from './structure.ts';

function wrap(tree: StateTree): StateStructure {
  return {
    size: tree.size,
    apply: (created, consumed) => wrap(tree.apply(created, consumed)),
    root: () => tree.root(),
    proof: (outputId) => {
      const proof = tree.proof(outputId);
      if (proof === undefined) throw new Error('only what is unspent has a proof');
      return encodeStateProof(proof);
    },
  };
}

export const binaryTrie: StructureKind = {
  name: 'compressed binary trie',
  build: (entries, hasher) => wrap(StateTree.build(entries, hasher)),
  verify: (root, { outputId, outputHash }, bytes, hasher) => {
    const proof = decodeStateProof(bytes);
    return proof.ok && verifyStateProof(root, outputId, outputHash, proof.value, hasher);
  },
};
