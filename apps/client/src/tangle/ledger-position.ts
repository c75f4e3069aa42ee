/**
 * What the light client knew last, on disk: a node that shows an older or another history after a
 * restart is found out as if the client had never stopped. Before: client.ts; after: store.
 * Spec: docs/spec/05-light-client.md, docs/spec/40-client-store.md.
 */
import {
  bytesToHex,
  hexToBytes,
  type MilestoneId,
  parseMilestoneId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestoneHeader,
  encodeMilestoneHeader,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { LightClientState } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { ledgerPositions } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';

const KEY = 'ledger-position';

/** The state that `savePosition` wrote on this network; undefined at the first start. */
export function recallPosition(
  store: SealedStore,
  genesisId: string,
): Omit<LightClientState, 'networkId'> | undefined {
  const record = store.get(ledgerPositions, KEY);
  const id = record && parseMilestoneId(record.genesisId);
  if (record === undefined || id === undefined || record.genesisId !== genesisId) return undefined;
  const newest = decodeMilestoneHeader(hexToBytes(record.newest));
  if (!newest.ok) throw new Error('broken invariant: a stored milestone header decodes');
  const committee = record.committee.map((key) => hexToBytes(key));
  return { genesisId: id, committee, epoch: record.epoch, newest: newest.value };
}

/** Writes the state down unless it is there already. */
export async function savePosition(store: SealedStore, state: LightClientState): Promise<void> {
  const genesisId: MilestoneId = state.genesisId;
  const newest = bytesToHex(encodeMilestoneHeader(state.newest));
  if (store.get(ledgerPositions, KEY)?.newest === newest) return;
  const committee = state.committee.map((key) => bytesToHex(key));
  const record = { genesisId, newest, committee, epoch: state.epoch };
  await store.batch().put(ledgerPositions, KEY, record).write();
}
