/**
 * Every setting of a storage provider in one typed schema: defaults, limits and descriptions.
 * `docs/configuration-provider.md` is generated from it by docs.ts, and a test compares the two.
 * Precedence (see load.ts): command line, then environment, then file, then the default here.
 */
import { z } from 'zod';

const port = z.int().min(0).max(65_535);
const path = z.string().min(1).max(4_096);
const amount = z.string().regex(/^[1-9][0-9]{0,18}$/);
const u32 = z.int().min(0).max(0xffff_ffff);
const seconds = z.int().min(1).max(0xffff_ffff);
const DAY = 86_400;

const node = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/\S+$/)
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

const api = z.strictObject({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Address that the API listens on. Public only behind TLS.'),
  port: port.default(14_280).describe('Port of the API; 0 lets the system choose.'),
  realm: z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,128}$/)
    .default('storage-provider')
    .describe('Name in payment challenges, such as the host name.'),
  trustedProxies: z
    .int()
    .min(0)
    .max(8)
    .default(0)
    .describe('Reverse proxies in front of the API whose X-Forwarded-For is believed.'),
  corsOrigins: z
    .array(z.string().min(1).max(256))
    .max(64)
    .default([])
    .describe('Origins of web pages that may call the API; `*` allows all.'),
  rateLimit: z
    .strictObject({
      perSecond: z
        .number()
        .min(0.1)
        .max(1_000_000)
        .default(50)
        .describe('Requests that one remote address may make per second, on average.'),
      burst: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(200)
        .describe('Requests that one remote address may make at once after a pause.'),
    })
    .prefault({}),
});

const metrics = z.strictObject({
  enabled: z.boolean().default(true).describe('Whether metrics are served for Prometheus.'),
  host: z.string().default('127.0.0.1').describe('Address of the metrics listener.'),
  port: port.default(9_312).describe('Port of the metrics listener; 0 lets the system choose.'),
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

/** The whole configuration. */
export const CONFIG_SCHEMA = z.strictObject({
  dataDir: path.default('data/provider').describe('Folder of the provider’s database.'),
  keyFile: path
    .default('data/provider-key.json')
    .describe('File with the provider’s keys; made by `tangle-provider init`.'),
  genesisFile: path
    .default('data/genesis.json')
    .describe('The network’s genesis document: what certificates are checked against.'),
  logLevel: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
  node: node.prefault({}),
  api: api.prefault({}),
  metrics: metrics.prefault({}),
  prices: prices.prefault({}),
  offer: offer.prefault({}),
  claims: claims.prefault({}),
  times: times.prefault({}),
});

export type ProviderConfig = z.infer<typeof CONFIG_SCHEMA>;
