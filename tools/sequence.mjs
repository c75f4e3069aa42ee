// The order in which jest takes the files. Those that play whole networks take a minute or two each, and their length
// says nothing about it: left to jest, which knows no times after a clone, some of them began last and ran on alone.
import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Long ones, the longest first; a new one that takes more than some 20 seconds belongs here. */
const LONG = [
  'test/e2e/kill',
  'test/e2e/committee',
  'test/e2e/operators',
  'test/e2e/web-screens',
  'test/e2e/mail-bridge',
  'test/e2e/web',
  'test/integration/sent-copies',
  'test/e2e/committee-partition',
  'test/e2e/attacks',
  'apps/node/src/committee-epochs',
  'test/integration/parcels',
  'apps/node/src/elections',
  'apps/node/src/committee',
  'test/e2e/committee-seven',
  'apps/node/src/committee-byzantine',
  'apps/node/src/sync/warp-sync',
  'apps/node/src/committee-of-seven',
  'test/e2e/main-job',
  'apps/client/src/devices/devices',
  'apps/node/src/committee-flood',
  'apps/node/src/flood',
  'test/e2e/crash',
  'test/integration/node-chat',
  'apps/node/src/cli/become-validator',
  'test/life/life',
  'test/e2e/mail-programs',
  'apps/client/src/receipts/receipt-book',
  'test/integration/change-of-committee',
  'apps/node/src/snapshot/node-snapshots',
  'test/e2e/failures',
  'test/e2e/command-line',
  'apps/node/src/cli/private-network',
  'apps/node/src/slashing/slashing',
  'apps/client/src/cli/people',
  'test/e2e/full-disk',
  'test/e2e/two-devices',
  'test/e2e/vouchers',
];

const places = new Map(LONG.map((name, place) => [`${name}.spec.ts`, place]));

export default class Sequence extends Sequencer {
  sort(tests) {
    const placeOf = ({ path }) => places.get(relative(process.cwd(), path)) ?? places.size;
    // oxlint-disable-next-line unicorn/no-array-sort -- jest's own method, not that of an array
    const usual = super.sort(tests);
    return usual.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}
