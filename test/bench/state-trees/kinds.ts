/** The structures that the benchmark of the state tree compares; the first one is today's. */
import { binaryTrie } from './binary-trie.ts';
import { hexaryTrie } from './hexary-trie.ts';
import { jellyfishTree } from './jellyfish-tree.ts';
import { sortedArray } from './sorted-array.ts';
import type { StructureKind } from './structure.ts';

export const KINDS: readonly StructureKind[] = [binaryTrie, jellyfishTree, hexaryTrie, sortedArray];
