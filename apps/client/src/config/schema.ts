/**
 * Every setting of the client in one typed schema: defaults, limits and descriptions.
 * `docs/configuration-client.md` is generated from it by docs.ts, and a test compares the two.
 * Precedence: command line, then environment, then file, then the default here.
 */
import {
  amount,
  httpUrl,
  logLevel,
  path,
  port,
} from '@tanglemail/tangle/io/shell/setting-types.ts';
import { DEFAULT_STAMP_BITS } from '@tanglemail/mail/core/envelope/stamp.ts';
import { MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
import { defineSettings } from '@tanglemail/tangle/io/shell/settings.ts';
import { z } from 'zod';

const node = z.strictObject({
  url: httpUrl
    .default('http://127.0.0.1:14265')
    .describe('API of the node that the client uses. What it says is proven, never believed.'),
});

const api = z.strictObject({
  host: z
    .enum(['127.0.0.1', '::1'])
    .default('127.0.0.1')
    .describe('Loopback address that the local API listens on.'),
  port: port.default(14_290).describe('Port of the local API; 0 lets the system choose.'),
});

const provider = z.strictObject({
  retentionDays: z
    .int()
    .min(1)
    .max(3_650)
    .default(30)
    .describe('Days that a rented mailbox keeps a mail.'),
  maxPricePerMonth: amount
    .default('1000000')
    .describe('Most base units that a mailbox of ordinary use may cost in 30 days.'),
  deposit: amount
    .default('1000000')
    .describe('Base units put into a channel. What is not used comes back when it closes.'),
  credit: amount
    .default('50000')
    .describe('Base units that the balance of a mailbox is filled up to.'),
  maxDebitPerDay: amount
    .default('100000')
    .describe('Most base units that a provider may take from the balance in a day.'),
});

const spam = z.strictObject({
  stampBits: z
    .int()
    .min(0)
    .max(MAX_STAMP_BITS)
    .default(DEFAULT_STAMP_BITS)
    .describe(
      'Work asked of strangers, in bits: 2 to this power hashes over each envelope. ' +
        '`tanglemail spam set` changes it for the account.',
    ),
  contactsOnly: z.boolean().default(false).describe('Whether strangers are not heard at all.'),
});

/** The schema of the whole configuration; unknown keys are errors. */
export const CONFIG_SCHEMA = z.strictObject({
  dataDir: path
    .optional()
    .describe('Folder of the account and its mails. Default: `.tanglemail` in the home folder.'),
  genesisFile: path
    .optional()
    .describe('Genesis document of the network. Default: `genesis.json` in dataDir.'),
  passphraseFile: path
    .optional()
    .describe('File whose first line is the passphrase. Default: ask at the terminal.'),
  logLevel,
  node: node.prefault({}),
  api: api.prefault({}),
  powThreads: z
    .int()
    .min(1)
    .max(64)
    .default(1)
    .describe('Threads for the proof of work of each mail.'),
  pollIntervalMs: z
    .int()
    .min(250)
    .max(86_400_000)
    .default(300_000)
    .describe(
      'Milliseconds between two looks at the rented providers, which cost two requests each. ' +
        '`tanglemail sync` looks at once.',
    ),
  pushFromProviders: z
    .boolean()
    .default(true)
    .describe(
      'Whether rented providers are paid to tell of new mail at once, for one small price a day ' +
        'each; they are then looked at twelve times less often.',
    ),
  mailFromNode: z
    .boolean()
    .default(false)
    .describe('Whether mail is also read from the milestones of the node, without any provider.'),
  provider: provider.prefault({}),
  spam: spam.prefault({}),
});

/** The configuration of a client after defaults. */
export type ClientConfig = z.infer<typeof CONFIG_SCHEMA>;
/** What a file or a test may give: every key optional. */
export type ClientConfigInput = z.input<typeof CONFIG_SCHEMA>;

/** The configuration that `input` and the defaults make; throws ZodError. */
export function configOf(input: ClientConfigInput): ClientConfig {
  return CONFIG_SCHEMA.parse(input);
}

/** The settings of `tanglemail`, and how they are called outside the file. */
export const CLIENT_SETTINGS = defineSettings({
  schema: CONFIG_SCHEMA,
  envPrefix: 'TANGLEMAIL_',
  shortFlags: { 'node.url': '--node', 'api.port': '--port', genesisFile: '--genesis' },
  otherVariables: ['PASSPHRASE'],
  page: 'docs/configuration-client.md',
});
