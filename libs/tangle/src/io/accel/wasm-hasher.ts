/**
 * BLAKE2b-256 by our own WebAssembly (libs/tangle/wasm/blake2b.ts): one cheap call for small
 * inputs, id and proof of work of a block in one pass, and whole Merkle trees over ids. Checked
 * against noble and raced against the others by hasher.ts. Spec: docs/spec/01-block.md.
 */
import { blockIdFromBytes, idToBytes, type BlockId } from '../../core/codec/ids.ts';
import { merkleRoot } from '../../core/crypto/merkle.ts';
import { assert } from '../../core/outcome.ts';
import { MAX_BLOCK_SIZE, MAX_CONE } from '../../core/params/limits.ts';
import type { Hasher, QuickHashes } from '../../core/ports.ts';
import { compileWasm, startWasm, type WasmMemory, type WasmModule } from './web-assembly.ts';

const BLAKE2B_WASM_PATH = '../../../build/blake2b.wasm';
/** Where `npm run build` puts the compiled code. */
export const BLAKE2B_WASM_URL = new URL(BLAKE2B_WASM_PATH, import.meta.url);

const HASH_LENGTH = 32;
const NONCE_LENGTH = 8;
const PAGE_SIZE = 65_536;
/** Room for a block or for the leaves of a full milestone; longer inputs go to the other hasher. */
const CAPACITY = Math.max(MAX_BLOCK_SIZE, MAX_CONE * HASH_LENGTH);

interface Blake2bExports {
  readonly memory: WasmMemory;
  readonly INPUT: { readonly value: number };
  readonly OUTPUT: { readonly value: number };
  hash(length: number): void;
  hashBlock(length: number): number;
  merkleRoot(count: number): void;
}

/** A hasher of one thread; `large` hashes what is longer than MAX_CONE ids. */
export class WasmHasher implements Hasher, QuickHashes {
  readonly #exports: Blake2bExports;
  readonly #large: Hasher;
  readonly #memory: Buffer;
  readonly #input: number;
  readonly #digest: Uint8Array;

  /** Throws when `module` does not have the exports of wasm/blake2b.ts. */
  constructor(module: WasmModule, large: Hasher) {
    this.#exports = startWasm(module) as Blake2bExports;
    this.#large = large;
    const { INPUT, OUTPUT, memory } = this.#exports;
    this.#input = INPUT.value;
    memory.grow(Math.ceil(CAPACITY / PAGE_SIZE));
    this.#memory = Buffer.from(memory.buffer);
    this.#digest = new Uint8Array(memory.buffer, OUTPUT.value, HASH_LENGTH);
  }

  static async load(url: URL, large: Hasher): Promise<WasmHasher> {
    return new WasmHasher(await compileWasm(url), large);
  }

  blake2b256(bytes: Uint8Array): Uint8Array {
    if (bytes.length > CAPACITY) return this.#large.blake2b256(bytes);
    this.#memory.set(bytes, this.#input);
    this.#exports.hash(bytes.length);
    return this.#digest.slice();
  }

  hashBlock(bytes: Uint8Array): { id: BlockId; powScore: number } {
    assert(bytes.length >= NONCE_LENGTH && bytes.length <= CAPACITY, 'a block ends with a nonce');
    this.#memory.set(bytes, this.#input);
    const powScore = this.#exports.hashBlock(bytes.length);
    return { id: blockIdFromBytes(this.#digest), powScore };
  }

  rootOfIds(ids: readonly BlockId[]): Uint8Array {
    if (ids.length === 0 || ids.length * HASH_LENGTH > CAPACITY) {
      return merkleRoot(
        ids.map((id) => idToBytes(id)),
        { blake2b256: (bytes) => this.blake2b256(bytes) },
      );
    }
    let at = this.#input;
    for (const id of ids) {
      this.#memory.write(id, at, HASH_LENGTH, 'hex');
      at += HASH_LENGTH;
    }
    this.#exports.merkleRoot(ids.length);
    return this.#digest.slice();
  }
}
