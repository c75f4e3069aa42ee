/**
 * Opens the account's store on disk. Before: account/create.ts and the daemon; after:
 * tangle/io/level. Spec: docs/spec/40-client-store.md.
 */
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Random } from '@tanglemail/tangle/core/ports.ts';
import { openKvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { bestStoreCrypto } from './native-store-crypto.ts';
import { SealedStore } from './sealed-store.ts';

/** Layout of the store; another number is another layout. */
const CLIENT_SCHEMA = 1;

/**
 * The store in folder `path` (made when missing) under `storeKey` (64 hex digits). Throws
 * StoreError, with `locked` while another process has it open.
 */
export async function openSealedStore(
  path: string,
  owner: { readonly storeKey: string; readonly networkId: bigint },
  random: Random,
): Promise<SealedStore> {
  const { networkId } = owner;
  const store = await openKvStore(path, { kind: 'client', networkId, schema: CLIENT_SCHEMA });
  const randomBytes = (length: number): Uint8Array => random.bytes(length);
  const crypto = await bestStoreCrypto();
  return new SealedStore({ storeKey: hexToBytes(owner.storeKey) }, { store, crypto, randomBytes });
}
