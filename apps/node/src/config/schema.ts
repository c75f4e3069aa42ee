/**
 * Every setting of a node and of the faucet in one typed schema: defaults, limits and descriptions.
 * `docs/configuration.md` is generated from it by docs.ts, and a test compares the two.
 * Precedence (tangle/io/shell/settings.ts): command line, environment, file, the default here.
 */
import {
  amount,
  corsOrigins,
  httpUrl,
  logLevel,
  metricsSection,
  path,
  port,
  rateLimitSection,
  trustedProxies,
} from '@tanglemail/tangle/io/shell/setting-types.ts';
import { defineSettings } from '@tanglemail/tangle/io/shell/settings.ts';
import { z } from 'zod';
import { discovery, gossip, nat } from './network-settings.ts';

const api = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether the node serves its REST API and events.'),
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the API listens on. `0.0.0.0` makes it public.'),
  port: port.default(14_265).describe('Port of the API; 0 lets the system choose.'),
  bodyLimitBytes: z
    .int()
    .min(65_536)
    .max(1_048_576)
    .default(131_072)
    .describe('Greatest size of a request body, in bytes. A block as hex JSON needs 65,600.'),
  maxResults: z
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .describe('Greatest number of items in one answer of the indexer.'),
  rateLimit: rateLimitSection(100, 500),
  trustedProxies,
  corsOrigins,
  maxSockets: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Event sockets that may be open at once.'),
  maxSocketsPerAddress: z
    .int()
    .min(1)
    .max(100_000)
    .default(64)
    .describe('Event sockets that one remote address may have open.'),
  maxConnectionsPerAddress: z
    .int()
    .min(1)
    .max(100_000)
    .default(256)
    .describe('Connections that one remote address may have open, event sockets included.'),
  requestTimeoutMs: z
    .int()
    .min(1_000)
    .max(600_000)
    .default(30_000)
    .describe('Time that the node takes for one answer before it gives up, in milliseconds.'),
  snapshots: z
    .boolean()
    .default(true)
    .describe('Whether others may download the node’s snapshots, to start a node of their own.'),
  maxSnapshotDownloads: z
    .int()
    .min(1)
    .max(1_000)
    .default(2)
    .describe('Downloads of snapshots at once.'),
});

const control = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Whether `tangle-node control` and its like can steer the node.'),
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Address that control listens on. Beyond the loopback the token goes in the clear.'),
  port: port
    .default(0)
    .describe('Port of control; 0 lets the system choose, and `control.json` in dataDir says.'),
});

const dashboard = z.strictObject({
  enabled: z
    .boolean()
    .optional()
    .describe(
      'Whether the API serves the pages of the node at `/`, and control to them. ' +
        'Default: only where api.host is the loopback.',
    ),
});

const health = z.strictObject({
  minPeers: z
    .int()
    .min(0)
    .max(256)
    .optional()
    .describe(
      'Peers below which the node calls itself unhealthy. ' +
        'Default: 1 when gossip.peers is set or discovery.* looks for some, else 0 (the only ' +
        'node of its network).',
    ),
  maxMilestonesBehind: z
    .int()
    .min(0)
    .max(1_000)
    .default(2)
    .describe('Milestones that the node may be behind the newest it knows of.'),
  maxMilestoneAgeMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(300_000)
    .describe('Greatest age of the latest milestone, in milliseconds.'),
  maxStandstillMs: z
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(60_000)
    .describe('The same while blocks wait for a milestone, in milliseconds.'),
});

const log = z.strictObject({
  statusIntervalMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(10_000)
    .describe('Pause between two status lines of the log, in milliseconds; 0 for none.'),
});

const pow = z.strictObject({
  allowRemote: z
    .boolean()
    .default(false)
    .describe('Whether the node does the proof of work of a payload posted as JSON.'),
  threads: z
    .int()
    .min(1)
    .max(256)
    .default(1)
    .describe('Threads for that proof of work, and for the faucet’s own.'),
});

const validator = z.strictObject({
  keyFile: path
    .optional()
    .describe('Key file of a committee seat (`tools keys`). Set: this node makes milestones.'),
  signerSocket: path
    .optional()
    .describe(
      'Unix socket of a process that keeps the seat’s key (`tools signer`), instead of keyFile.',
    ),
  rewardAddress: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe(
      'Address (twt1…, tw1… or hex digits) that gets the finder’s sixteenth of bonds that this ' +
        'node slashes. Default: it is burnt with the rest. Needs no seat.',
    ),
});

const agreement = z.strictObject({
  deltaMs: z
    .int()
    .min(500)
    .max(60_000)
    .default(1_000)
    .describe(
      'Time within which a message reaches all validators, in milliseconds; the same on all of ' +
        'them. A view without a milestone takes some three of it.',
    ),
});

const snapshot = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Whether the node writes snapshots by itself, from which others can start.'),
  directory: path.optional().describe('Folder of the snapshots. Default: `snapshots` in dataDir.'),
  intervalMilestones: z
    .int()
    .min(10)
    .max(100_000_000)
    .default(20_000)
    .describe('Milestones from one full snapshot to the next.'),
  deltaInterval: z
    .int()
    .min(0)
    .max(100_000_000)
    .default(1_000)
    .describe('Milestones from one delta to the next; 0 writes no deltas.'),
  keep: z
    .int()
    .min(1)
    .max(1_000)
    .default(2)
    .describe('Full snapshots that are kept, each with its newest delta.'),
  from: z
    .array(path)
    .max(32)
    .default([])
    .describe(
      'Files and http(s) URLs of snapshots to start an empty data folder from, tried in turn. ' +
        'A delta stands behind its full one. Everything in them is proven.',
    ),
  maxDownloadBytes: z
    .int()
    .min(1_000)
    .max(1_000_000_000_000)
    .default(20_000_000_000)
    .describe('Greatest size of a snapshot that is downloaded, in bytes.'),
});

const pruning = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Whether old milestones and their blocks are removed. `false` keeps everything.'),
  maxSizeBytes: z
    .int()
    .min(100_000)
    .max(1_000_000_000_000_000)
    .default(30_000_000_000)
    .describe('Size of the store above which the oldest milestones go, in bytes.'),
  maxAgeMilestones: z
    .int()
    .min(100)
    .max(1_000_000_000)
    .optional()
    .describe('Milestones that are kept at most, whatever their size.'),
  maxAgeHours: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Age at which a milestone goes, whatever the size, in hours.'),
});

const faucet = z.strictObject({
  keyFile: path.optional().describe('Key file that owns the faucet’s tokens.'),
  nodeUrl: httpUrl
    .default('http://127.0.0.1:14265')
    .describe('API of the node that the faucet uses.'),
  host: z.string().default('127.0.0.1').describe('Address that the faucet listens on.'),
  port: port.default(14_275).describe('Port of the faucet; 0 lets the system choose.'),
  amount: amount.default('100000000').describe('Base units per request.'),
  perAddressPerHour: z
    .int()
    .min(1)
    .max(100_000)
    .default(10)
    .describe('Requests that one address may make within an hour.'),
  totalPerHour: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(10_000)
    .describe('Requests of all addresses together within an hour.'),
});

/** The schema of the whole configuration; unknown keys are errors. */
const CONFIG_SCHEMA = z.strictObject({
  dataDir: path.default('tangle-data').describe('Folder of the database, keys and votes.'),
  genesisFile: path
    .default('genesis.json')
    .describe('Genesis document: it is the network that the node belongs to.'),
  logLevel,
  log: log.prefault({}),
  api: api.prefault({}),
  control: control.prefault({}),
  dashboard: dashboard.prefault({}),
  gossip: gossip.prefault({}),
  discovery: discovery.prefault({}),
  nat: nat.prefault({}),
  metrics: metricsSection(9_311),
  health: health.prefault({}),
  pow: pow.prefault({}),
  validator: validator.prefault({}),
  agreement: agreement.prefault({}),
  snapshot: snapshot.prefault({}),
  pruning: pruning.prefault({}),
  faucet: faucet.prefault({}),
});

/** The configuration of a node after defaults. */
export type NodeConfig = z.infer<typeof CONFIG_SCHEMA>;
/** What a file or a test may give: every key optional. */
export type NodeConfigInput = z.input<typeof CONFIG_SCHEMA>;

/** The configuration that `input` and the defaults make; throws ZodError. */
export function configOf(input: NodeConfigInput): NodeConfig {
  return CONFIG_SCHEMA.parse(input);
}

/** The settings of `tangle-node`, and how they are called outside the file. */
export const NODE_SETTINGS = defineSettings({
  schema: CONFIG_SCHEMA,
  envPrefix: 'TANGLE_NODE_',
  page: 'docs/configuration.md',
});
