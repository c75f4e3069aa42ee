/** The network of the finality benchmark: one second between milestones, as a real one has. */
import type { Genesis } from '../../../libs/tangle/src/core/codec/genesis.ts';
import { NETWORK_PRESETS } from '../../../libs/tangle/src/core/params/networks.ts';
import { committeeKeys } from '../../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { genesisDocument } from '../feed.ts';

/** Value transfers that can be made, one from each genesis output. */
const TRANSFERS = 2_000;

/** With the test network's proof of work. */
export function committeeGenesis(seats: number): Genesis {
  const { milestoneIntervalMs, heartbeatMs } = NETWORK_PRESETS.main;
  return {
    ...genesisDocument(TRANSFERS),
    params: { ...NETWORK_PRESETS.test, milestoneIntervalMs, heartbeatMs },
    committee: committeeKeys(seats).map(({ publicKey }) => publicKey),
  };
}
