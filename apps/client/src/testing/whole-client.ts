/** For specs: a whole client of one account, ready to start, on a disk that outlives it. */
import { startEpochs } from '@tanglemail/mail/core/identity/epoch.ts';
import { deriveAccountRoot, deriveEpochRoot } from '@tanglemail/mail/core/identity/keys.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { EpochStore } from '../account/epoch-store.ts';
import { Client } from '../client.ts';
import type { ClientDeps } from '../client-parts.ts';
import { type ClientConfigInput, configOf } from '../config/schema.ts';
import { epochStates } from '../store/collections.ts';
import { type Disk, memoryStore, sealedMemoryStore } from './memory-store.ts';

export interface WholeClientOptions {
  /** Accounts differ by it. */
  readonly seedByte: number;
  readonly disk: Disk;
  readonly nodeUrl: string;
  readonly genesis: Genesis;
  /** Settings beside those that specs need. */
  readonly config?: ClientConfigInput;
}

/** Makes the account on an empty disk, and goes on with it on any other. Start and stop it. */
export async function openWholeClient(
  { seedByte, disk, nodeUrl, genesis, config = {} }: WholeClientOptions,
  { clock, random }: Pick<ClientDeps, 'clock' | 'random'>,
): Promise<Client> {
  const seed = new Uint8Array(64).fill(seedByte);
  const store = sealedMemoryStore(memoryStore(disk).store);
  const nowSeconds = Math.floor(clock.nowMs() / 1_000);
  if (store.get(epochStates, 'epochs') === undefined) {
    const batch = store.batch();
    EpochStore.create(batch, startEpochs(deriveEpochRoot(seed, 0), nowSeconds));
    await batch.write();
  }
  return await Client.open(
    {
      config: configOf({
        node: { url: nodeUrl },
        mailFromNode: true,
        pollIntervalMs: 250,
        send: { undoSeconds: 0 },
        address: { stampBits: 4 },
        ...config,
      }),
      secrets: {
        accountRoot: bytesToHex(deriveAccountRoot(seed, 0)),
        accountIndex: 0,
        storeKey: '07'.repeat(32),
        createdAt: nowSeconds,
      },
      genesis,
      store,
    },
    { logger: SILENT_LOGGER, clock, random },
  );
}
