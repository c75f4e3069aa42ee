/**
 * One process of the finality benchmark: a whole node with a seat, which issues blocks and value
 * transfers of its own and notes when each milestone is final here. Steered by network.ts over the
 * process channel.
 */
import { join } from 'node:path';
import { configOf } from '../../../apps/node/src/config/schema.ts';
import { writeKeyFile } from '../../../apps/node/src/keys/key-file.ts';
import { TangleNode } from '../../../apps/node/src/node.ts';
import type { BlockId } from '../../../libs/tangle/src/core/codec/ids.ts';
import type { Payload } from '../../../libs/tangle/src/core/codec/payload.ts';
import { genesisMilestone } from '../../../libs/tangle/src/core/milestone/genesis.ts';
import { committeeKeys } from '../../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { bestHasher } from '../../../libs/tangle/src/io/accel/hasher.ts';
import { SILENT_LOGGER } from '../../../libs/tangle/src/io/logger.ts';
import { SeededRandom } from '../../fuzz/random-objects.ts';
import { mine, smallData, transfers } from '../feed.ts';
import { committeeGenesis } from './genesis.ts';

export interface Setup {
  readonly seat: number;
  readonly seats: number;
  readonly dataDir: string;
  readonly peers: readonly string[];
  /** So many are made ready before anything is measured. */
  readonly transfers: number;
}

/** What the bench asks. */
export type Order =
  /** From now on the node issues so much, evenly. */
  | { readonly do: 'issue'; readonly blocksPerSecond: number; readonly transfersPerSecond: number }
  | { readonly do: 'look' };

/** What a process has seen since the last look; times are those of the machine's one clock. */
export interface View {
  readonly addresses: readonly string[];
  readonly peers: number;
  readonly milestones: readonly FinalMilestone[];
  /** Blocks issued here that are final here. */
  readonly issued: readonly IssuedBlock[];
  /** Blocks that the node refused. */
  readonly refused: number;
  /** Counters of the node, from its start. */
  readonly counts: Counts;
  /** CPU since the start, milliseconds. */
  readonly mainThreadMs: number;
  readonly processMs: number;
}

export interface FinalMilestone {
  readonly index: number;
  /** When its leader chose it. */
  readonly stampMs: number;
  /** When it was committed here. */
  readonly atMs: number;
  readonly blocks: number;
}

export interface IssuedBlock {
  readonly sentMs: number;
  readonly index: number;
  readonly isTransfer: boolean;
}

/** Messages and bytes of the agreement that this node published, or heard for the first time. */
export interface Counts {
  readonly said: number;
  readonly saidBytes: number;
  readonly heard: number;
  readonly heardBytes: number;
  readonly nullified: number;
}

const TICK_MS = 10;
/** A process that was held up issues at most so much of what it missed. */
const CATCH_UP_MS = 500;

const now = (): number => performance.timeOrigin + performance.now();
const {
  seat,
  seats,
  dataDir,
  peers,
  transfers: ready,
} = JSON.parse(process.argv[2] ?? '') as Setup;
const hasher = await bestHasher();
const genesis = committeeGenesis(seats);
const start = genesisMilestone(genesis, hasher);
const random = new SeededRandom(1_000 + seat);
const makeTransfer = transfers(start, hasher);
const transferPayloads = Array.from({ length: ready }, (_, at) =>
  makeTransfer(at * seats + seat, random),
);
const waiting = new Map<BlockId, { sentMs: number; isTransfer: boolean }>();
let milestones: FinalMilestone[] = [];
let issued: IssuedBlock[] = [];
let refused = 0;
/** What the last milestone asks of a block. */
let loadBits = 0;
/** Per millisecond. */
const rates = { blocks: 0, transfers: 0 };

const keyFile = join(dataDir, 'validator.key');
const [key] = committeeKeys(seats).slice(seat);
if (key === undefined) throw new Error('a key for every seat');
await writeKeyFile(keyFile, key);
const config = configOf({
  dataDir,
  gossip: { listen: ['/ip4/127.0.0.1/tcp/0'], peers: [...peers] },
  metrics: { enabled: false },
  validator: { keyFile },
});
const node = await TangleNode.open({ config, genesis, logger: SILENT_LOGGER });
node.events.on('confirmed', ({ milestone: { header, body }, result: { included } }) => {
  loadBits = body.options.powLoadBits ?? 0;
  const atMs = now();
  const { index, timestampMs: stampMs } = header;
  milestones.push({ index, stampMs, atMs, blocks: included.length });
  for (const id of included) {
    const own = waiting.get(id);
    if (own === undefined) continue;
    waiting.delete(id);
    issued.push({ ...own, index });
  }
});
await node.start();

async function issue(payload: Payload | null, isTransfer: boolean): Promise<void> {
  const sentMs = now();
  const parents = [...new Set(node.selectTips())].toSorted();
  const bytes = mine(
    { version: 1, networkId: start.networkId, parents, payload },
    hasher,
    loadBits,
  );
  const outcome = await node.submitBlock(bytes, 'bench');
  if (outcome.ok) waiting.set(outcome.value.blockId, { sentMs, isTransfer });
  else refused += 1;
}

/** Issues evenly, both kinds. */
function issueSteadily(): void {
  let blocks = 0;
  let value = 0;
  let lastMs = performance.now();
  setInterval(() => {
    const elapsedMs = Math.min(CATCH_UP_MS, performance.now() - lastMs);
    lastMs = performance.now();
    blocks += elapsedMs * rates.blocks;
    value += elapsedMs * rates.transfers;
    for (; blocks >= 1; blocks -= 1) void issue(smallData(0, random), false);
    for (; value >= 1; value -= 1) {
      const payload = transferPayloads.pop();
      if (payload !== undefined) void issue(payload, true);
    }
  }, TICK_MS);
}

async function counts(): Promise<Counts> {
  const rows = await node.metrics.registry.getMetricsAsJSON();
  const sum = (name: string, label: string, value: string): number => {
    const values = rows.find((row) => row.name === name)?.values ?? [];
    const wanted = values.filter(
      ({ labels }) => (labels as Record<string, unknown>)[label] === value,
    );
    return wanted.reduce((total, one) => total + one.value, 0);
  };
  return {
    said: sum('tangle_agreement_messages_total', 'direction', 'out'),
    saidBytes: sum('tangle_agreement_message_bytes_total', 'direction', 'out'),
    heard: sum('tangle_agreement_messages_total', 'direction', 'in'),
    heardBytes: sum('tangle_agreement_message_bytes_total', 'direction', 'in'),
    nullified: sum('tangle_agreement_views_total', 'end', 'nullified'),
  };
}

async function look(): Promise<View> {
  const thread = process.threadCpuUsage();
  const whole = process.cpuUsage();
  const view = {
    addresses: node.addresses(),
    peers: node.query.peers().length,
    milestones,
    issued,
    refused,
    counts: await counts(),
    mainThreadMs: (thread.user + thread.system) / 1_000,
    processMs: (whole.user + whole.system) / 1_000,
  };
  milestones = [];
  issued = [];
  return view;
}

issueSteadily();
process.on('message', (order: Order) => {
  if (order.do === 'issue') {
    rates.blocks = order.blocksPerSecond / 1_000;
    rates.transfers = order.transfersPerSecond / 1_000;
  }
  void look().then((view) => process.send?.(view));
});
process.on('disconnect', () => {
  void node.stop().then(() => process.exit());
});
process.send?.(await look());
