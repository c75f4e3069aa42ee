/**
 * Every setting of a storage provider in one typed schema: defaults, limits and descriptions.
 * `docs/configuration-provider.md` is generated from it by docs.ts, and a test compares the two.
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
  textLike,
  trustedProxies,
} from '@tanglemail/tangle/io/shell/setting-types.ts';
import { defineSettings } from '@tanglemail/tangle/io/shell/settings.ts';
import { z } from 'zod';

const u32 = z.int().min(0).max(0xffff_ffff);
const seconds = z.int().min(1).max(0xffff_ffff);
const DAY = 86_400;

const node = z.strictObject({
  url: httpUrl
    .default('http://127.0.0.1:14265')
    .describe('API of the provider’s own node. Everything it says of mail and money is believed.'),
  timeoutMs: z
    .int()
    .min(100)
    .max(120_000)
    .default(10_000)
    .describe('Greatest time for one answer of the node, in milliseconds.'),
  powThreads: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Threads that do the proof of work for claims and offers.'),
});

const push = z.strictObject({
  maxSockets: z.int().min(0).max(100_000).default(1_024).describe('Push sockets at once.'),
  maxSocketsPerAddress: z
    .int()
    .min(1)
    .max(100_000)
    .default(32)
    .describe('Push sockets at once of one remote address.'),
});

const api = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the API listens on. Public only behind TLS.'),
  port: port.default(14_280).describe('Port of the API; 0 lets the system choose.'),
  realm: textLike(/^[A-Za-z0-9.:-]{1,128}$/, 'letters, digits, dots, colons and dashes')
    .default('storage-provider')
    .describe('Name in payment challenges, such as the host name.'),
  trustedProxies,
  corsOrigins,
  rateLimit: rateLimitSection(50, 200),
  push: push.prefault({}),
});

const prices = z.strictObject({
  rentPerMiBDay: u32.default(10).describe('Rent of 1 MiB for a day, in base units.'),
  ingressPerMiB: u32.default(20).describe('Taking in 1 MiB, in base units.'),
  egressPerMiB: u32.default(50).describe('Handing out 1 MiB, in base units.'),
  perObject: u32.default(1).describe('Taking in one object, in base units.'),
  perRequest: u32.default(1).describe('One request of a mailbox, in base units.'),
  perPushDay: u32.default(10).describe('One day of push notices, in base units.'),
});

const offer = z.strictObject({
  endpoints: z
    .array(z.string().min(1).max(128))
    .max(4)
    .default([])
    .describe('Public addresses of the API, https or multiaddr; without one the API’s own URL.'),
  maxObject: z.int().min(512).max(24_576).default(24_576).describe('Greatest object, in bytes.'),
  maxPart: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(1_048_576)
    .describe('Greatest part of a parcel, in bytes; 0 takes no parcels.'),
  minRetentionDays: z.int().min(1).max(365).default(1).describe('Least days of rent.'),
  maxRetentionDays: z.int().min(1).max(365).default(30).describe('Most days of rent ahead.'),
  minChannel: amount.default('5000').describe('Least deposit of a channel, in base units.'),
  minTtl: seconds
    .default(7 * DAY)
    .describe('Least life left of a channel when it is presented, in seconds.'),
  maxTtl: seconds.default(180 * DAY).describe('Greatest life of a channel, in seconds.'),
  maxBalance: amount.default('100000').describe('Greatest balance of a mailbox, in base units.'),
  minCredit: amount
    .default('1000')
    .describe('Least first credit of a mailbox and least total of a channel, in base units.'),
  suggestedDeposit: amount
    .default('40000')
    .describe('Deposit that a payment challenge suggests, in base units.'),
  penaltyMin: amount.default('1000').describe('Least penalty in a receipt, in base units.'),
  penaltyX: u32.default(100).describe('Penalty as a multiple of the price paid for an object.'),
  challengeDepositMax: amount
    .default('1000')
    .describe('Greatest deposit that a receipt asks of a challenger, in base units.'),
  unsolicitedPerDay: z
    .int()
    .min(0)
    .max(65_535)
    .default(1_000)
    .describe('Envelopes of unknown senders held free per day, for each bucket and mailbox.'),
  unsolicitedMax: u32.default(24_576).describe('Greatest size of such an envelope, in bytes.'),
});

const parts = z.strictObject({
  minFreeBytes: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(1_073_741_824)
    .describe('Bytes of the disk that stay free: no part is taken that would leave less.'),
  maxUploads: z
    .int()
    .min(1)
    .max(1_024)
    .default(32)
    .describe('Parts that arrive at once; each takes its size of memory.'),
  maxDownloads: z
    .int()
    .min(1)
    .max(1_024)
    .default(64)
    .describe('Parts that are handed out at once; each takes its size of memory.'),
  uploadTimeoutMs: z
    .int()
    .min(100)
    .max(30_000)
    .default(25_000)
    .describe('Time in which a whole part has to arrive, in milliseconds.'),
});

const claims = z.strictObject({
  threshold: amount
    .default('1000000000')
    .describe('Accepted total from which a channel is claimed at once, in base units.'),
});

const times = z.strictObject({
  sellStop: seconds
    .default(DAY)
    .describe('No voucher is taken later than this before the expiry, in seconds.'),
  claimStart: seconds
    .default(2 * DAY)
    .describe('Claims start this long before the expiry, in seconds.'),
  claimAlarm: seconds
    .default(6 * 3_600)
    .describe('An unconfirmed claim raises an alarm this long before the expiry, in seconds.'),
});

/** The whole configuration; unknown keys are errors. */
const CONFIG_SCHEMA = z.strictObject({
  dataDir: path.default('data/provider').describe('Folder of the provider’s database.'),
  keyFile: path
    .default('data/provider-key.json')
    .describe('File with the provider’s keys; made by `tangle-provider init`.'),
  genesisFile: path
    .default('data/genesis.json')
    .describe('The network’s genesis document: what certificates are checked against.'),
  logLevel,
  node: node.prefault({}),
  api: api.prefault({}),
  metrics: metricsSection(9_312),
  prices: prices.prefault({}),
  offer: offer.prefault({}),
  parts: parts.prefault({}),
  claims: claims.prefault({}),
  times: times.prefault({}),
});

export type ProviderConfig = z.infer<typeof CONFIG_SCHEMA>;

/** The settings of `tangle-provider`, and how they are called outside the file. */
export const PROVIDER_SETTINGS = defineSettings({
  schema: CONFIG_SCHEMA,
  envPrefix: 'TANGLE_PROVIDER_',
  page: 'docs/configuration-provider.md',
});
