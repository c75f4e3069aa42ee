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
import { defineSettings } from '@tanglemail/tangle/io/shell/settings.ts';
import { MIN_MAX_MAIL } from '@tanglemail/mail/core/identity/descriptor.ts';
import { MAX_MESSAGE_SIZE, MAX_STAMP_BITS } from '@tanglemail/mail/core/limits.ts';
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
  socket: z
    .boolean()
    .default(false)
    .describe(
      'Listen on the unix socket `api.sock` in dataDir in place of host and port: only the ' +
        'account’s own user can reach it, and no web page can.',
    ),
});

const mailPort = (name: string, usual: number) =>
  port
    .default(usual)
    .describe(`Port of ${name}; where it is taken, the next free one. 0 lets the system choose.`);

const bridge = z.strictObject({
  protocols: z
    .array(z.enum(['imap', 'pop3', 'smtp']).meta({ expected: 'of imap, pop3, smtp' }))
    .max(3)
    .default(['imap', 'pop3', 'smtp'])
    .describe(
      'How mail programs on this machine can use the account, each with a password of its own ' +
        '(`tanglemail bridge`). They listen on loopback. An empty list: not at all.',
    ),
  imapPort: mailPort('IMAP, plain or STARTTLS', 1_143),
  imapsPort: mailPort('IMAP over TLS', 1_993),
  smtpPort: mailPort('SMTP submission, plain or STARTTLS', 1_025),
  smtpsPort: mailPort('SMTP submission over TLS', 1_465),
  pop3Port: mailPort('POP3, plain or STLS', 1_110),
  pop3sPort: mailPort('POP3 over TLS', 1_995),
  maxConnections: z
    .int()
    .min(1)
    .max(1_000)
    .default(50)
    .describe('Connections of mail programs to each port at a time.'),
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

const mail = z.strictObject({
  find: z
    .array(z.enum(['tags', 'buckets', 'filters']).meta({ expected: 'of tags, buckets, filters' }))
    .min(1)
    .max(3)
    .default(['tags', 'buckets'])
    .describe(
      'Ways in which mail is found. `tags`: rented providers are told the tags of contacts and ' +
        'invites, so each learns how much mail comes under which of them and when; some 3 kB a ' +
        'day at 30 mails, however large the network. `buckets`: rented providers keep what ' +
        'strangers may have sent; they learn how much of it is taken. `filters`: nothing is told ' +
        'to anybody; filters of all mail are read from nodes and looked through here, 79 kB a ' +
        'day for every 1,000 users of the network, and a node learns only when this client was ' +
        'away and which whole milestones it fetches. Needs no provider, and reaches as far back ' +
        'as the nodes keep milestones.',
    ),
  filterNodes: z
    .array(httpUrl)
    .max(8)
    .default([])
    .describe(
      'APIs of other nodes, not run by the same people, to which the filters of node.url are ' +
        'held, and from which milestones are fetched. With none, node.url is believed that it ' +
        'leaves no tag out.',
    ),
  filterStrangers: z
    .boolean()
    .default(true)
    .describe(
      'Whether `filters` finds strangers’ mail too. While the network has one bucket for ' +
        'everybody, that fetches every milestone with mail, which hides whose mail it is and ' +
        'costs as much as all mail of the network. Off: contacts and invites only.',
    ),
  filterDecoys: z
    .int()
    .min(0)
    .max(16)
    .default(1)
    .describe(
      'Milestones without mail for us that are fetched with each one that may have some, so ' +
        'that a node learns less, and false filters are found by chance.',
    ),
  filterIntervalMs: z
    .int()
    .min(250)
    .max(86_400_000)
    .default(60_000)
    .describe('Milliseconds between two looks for new filters, which cost a request a node each.'),
  autoFetchBytes: z
    .int()
    .min(0)
    .max(MAX_MESSAGE_SIZE)
    .default(5_242_880)
    .describe(
      'Mails of accepted people up to this size, in bytes, are fetched by themselves; larger ' +
        'ones wait for `tanglemail fetch`.',
    ),
});

const hooks = z.strictObject({
  commands: z
    .boolean()
    .default(false)
    .describe(
      'Whether hooks may start programs on this machine. Off: whoever has the token of the local ' +
        'API can send mail, and run nothing.',
    ),
});

const backup = z.strictObject({
  folder: path
    .optional()
    .describe('Folder for automatic backups, which the 24 words open. Default: none are made.'),
  everyHours: z
    .int()
    .min(1)
    .max(8_760)
    .default(24)
    .describe('Hours between two automatic backups.'),
  keep: z.int().min(1).max(1_000).default(7).describe('Automatic backups that are kept.'),
});

const address = z.strictObject({
  contactsOnly: z
    .boolean()
    .default(false)
    .describe('Whether mail of strangers is not heard at all. Invites and contacts always are.'),
  stampBits: z
    .int()
    .min(0)
    .max(MAX_STAMP_BITS)
    .default(DEFAULT_STAMP_BITS)
    .describe(
      'Work asked of a stranger for each mail, in leading zero bits of a hash: 20 are half a ' +
        'second of a phone on average, each one more is twice as long.',
    ),
  maxMail: z
    .int()
    .min(MIN_MAX_MAIL)
    .max(MAX_MESSAGE_SIZE)
    .default(MAX_MESSAGE_SIZE)
    .describe('Bytes of the largest mail that is accepted, with everything that hangs on it.'),
});

const send = z.strictObject({
  undoSeconds: z
    .int()
    .min(0)
    .max(600)
    .default(10)
    .describe(
      'Seconds that a mail rests before it leaves, so that it can be taken back; 0, 10 or 30 are ' +
        'usual. `tanglemail send` leaves at once unless `--undo` says otherwise.',
    ),
  copiesToProviders: z
    .boolean()
    .default(true)
    .describe(
      'Whether copies of sent mails over 16 kB are kept at the rented providers for the other ' +
        'devices of the account, paid from its own mailboxes like mail that comes in. If not, ' +
        'they lie on the device that sent them, and the others say so.',
    ),
});

const receipts = z.strictObject({
  ask: z
    .boolean()
    .default(true)
    .describe('Whether recipients are asked to let their clients say that a mail was fetched.'),
  delivery: z
    .enum(['never', 'contacts', 'always'])
    .default('contacts')
    .describe(
      'Whose mails are answered with a delivery receipt when they ask for one: nobody’s, those ' +
        'of accepted contacts, or also those of people who ask to be one. A receipt proves that ' +
        'a device of this account opened the letter, and tells its sender about when; it costs ' +
        'one envelope with its proof of work. People who are blocked never get one.',
    ),
  read: z
    .boolean()
    .default(false)
    .describe(
      'Whether accepted contacts who asked for a receipt also learn when their mail is first ' +
        'marked as read: when somebody sat here and read it.',
    ),
  delaySeconds: z
    .int()
    .min(0)
    .max(604_800)
    .default(0)
    .describe(
      'Receipts rest a random time up to so many seconds, so that they tell less about when this ' +
        'device is on and its user is there.',
    ),
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
  bridge: bridge.prefault({}),
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
  mail: mail.prefault({}),
  provider: provider.prefault({}),
  backup: backup.prefault({}),
  hooks: hooks.prefault({}),
  address: address.prefault({}),
  send: send.prefault({}),
  receipts: receipts.prefault({}),
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
