/**
 * A process for a crash test: fills a store from a snapshot, tells of each batch and waits for a
 * line before the next, and is killed on the way. Arguments: the store's folder, the genesis
 * document, the full snapshot. Used by start-from-snapshot.spec.ts.
 * Spec: docs/spec/12-snapshot.md §7.
 */
import { createInterface } from 'node:readline';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { readGenesis } from '@tanglemail/tangle/io/shell/genesis-file.ts';
import { NodeStore } from '../../store/node-store.ts';
import { snapshotFill } from '../import-snapshot.ts';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const [storePath = '', genesisFile = '', full = ''] = process.argv.slice(2);
const genesis = await readGenesis(genesisFile);
const { params } = genesis;
const hasher = await bestHasher();
const root = genesisMilestone(genesis, hasher);
const fill = snapshotFill({
  from: [full],
  downloadFolder: `${storePath}-download`,
  maxDownloadBytes: 1_000_000_000,
  trust: { genesis: root, params, hasher, verifier: nobleVerifier },
  logger: SILENT_LOGGER,
});
await NodeStore.open(storePath, root, hasher, async (importer) => {
  await fill({
    addOutputs: async (records) => {
      await importer.addOutputs(records);
      process.stdout.write('batch\n');
      await lines.next();
    },
    finish: (window) => importer.finish(window),
  });
});
