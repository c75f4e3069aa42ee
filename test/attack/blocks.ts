/**
 * Blocks with real proof of work, quickly: the WebAssembly loop on the calling thread, which at the
 * difficulty of a test network is done sooner than a worker would be asked.
 */
import { randomBytes } from 'node:crypto';
import { powDifficulty, powDigest } from '@tanglemail/tangle/core/block/pow.ts';
import {
  blockIdOf,
  encodeBlockWithoutNonce,
  NONCE_LENGTH,
} from '@tanglemail/tangle/core/codec/block.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import {
  choosePowBackend,
  createPowBackend,
  type PowBackend,
} from '@tanglemail/tangle/io/accel/pow-backend.ts';
import type { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { Target } from './target.ts';

export interface MadeBlock {
  readonly id: BlockId;
  readonly bytes: Uint8Array;
}

/** A difficulty beyond which the calling thread would stand still. */
const MAX_BITS = 26;

export class BlockMaker {
  readonly hasher: Hasher;
  readonly networkId: bigint;
  readonly params: NetworkParams;
  /** The load term of the last milestone; whoever follows the node keeps it up to date. */
  loadBits = 0;
  readonly #pow: PowBackend;

  private constructor(target: Target, hasher: Hasher, pow: PowBackend) {
    this.networkId = target.networkId;
    this.params = target.genesis.params;
    this.hasher = hasher;
    this.#pow = pow;
  }

  static async open(target: Target): Promise<BlockMaker> {
    const pow = await createPowBackend(await choosePowBackend());
    return new BlockMaker(target, await bestHasher(), pow);
  }

  /** Does as much work as the node asks, and one bit more while that rises. */
  async follow(client: NodeClient): Promise<void> {
    const { powLoadBits: bits, powLoadBitsMax: most } = (await client.info()).params;
    this.loadBits = bits === 0 ? 0 : Math.min(bits + 1, most);
  }

  /** A block that keeps every rule, if its payload does. Parents in any order. */
  make(parents: readonly BlockId[], payload: Payload | null): MadeBlock {
    const unique = [...new Set(parents)].toSorted();
    const { networkId } = this;
    return this.mine(encodeBlockWithoutNonce({ version: 1, networkId, parents: unique, payload }));
  }

  /** Puts a nonce behind any bytes, so that they pass the check of the work. */
  mine(withoutNonce: Uint8Array): MadeBlock {
    const size = withoutNonce.length + NONCE_LENGTH;
    const bits = Math.min(powDifficulty(size, this.params, this.loadBits), MAX_BITS);
    const nonce = this.#search(powDigest(withoutNonce, this.hasher), bits);
    const bytes = new Uint8Array(size);
    bytes.set(withoutNonce);
    new DataView(bytes.buffer).setBigUint64(withoutNonce.length, nonce, true);
    return { id: blockIdOf(bytes, this.hasher), bytes };
  }

  #search(digest: Uint8Array, bits: number): bigint {
    const { chunkSize } = this.#pow;
    // A light difficulty is reached within a few tries; a whole chunk would be looked through.
    const count = Math.min(chunkSize, 2 ** (bits + 2));
    let start = randomBytes(8).readBigUInt64LE();
    for (;;) {
      const nonce = this.#pow.search(digest, bits, start, count);
      if (nonce !== undefined) return nonce;
      start = BigInt.asUintN(64, start + BigInt(count));
    }
  }
}
