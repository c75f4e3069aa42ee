/**
 * What the light client knew last, on disk: nothing is checked a second time after a restart, and
 * a node that shows an older or another history is found out as if the client had never stopped.
 * Before: client.ts; after: store.
 * Spec: docs/spec/05-light-client.md §6, docs/spec/40-client-store.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { ledgerCheckpoints } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';

const KEY = 'ledger-checkpoint';

/** What `saveCheckpoint` wrote; undefined at the first start. */
export function recallCheckpoint(store: SealedStore): Uint8Array | undefined {
  const record = store.get(ledgerCheckpoints, KEY);
  return record && hexToBytes(record.checkpoint);
}

/** Writes a checkpoint of the light client down unless it is there already. */
export async function saveCheckpoint(store: SealedStore, bytes: Uint8Array): Promise<void> {
  const checkpoint = bytesToHex(bytes);
  if (store.get(ledgerCheckpoints, KEY)?.checkpoint === checkpoint) return;
  await store.batch().put(ledgerCheckpoints, KEY, { checkpoint }).write();
}
