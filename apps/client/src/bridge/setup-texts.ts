/**
 * What mail programs need to know of the bridge, in the words of each program. Before:
 * cli/bridge-commands.ts. Sources: Thunderbird's autoconfig format 1.1, Apple's configuration
 * profiles (com.apple.mail.managed, com.apple.security.root), the manual pages of the programs.
 * Spec: docs/spec/45-mail-programs.md.
 */
import { createHash } from 'node:crypto';

export const SETUP_PROGRAMS = [
  'apple',
  'fetchmail',
  'mbsync',
  'msmtp',
  'mutt',
  'other',
  'thunderbird',
] as const;
export type SetupProgram = (typeof SETUP_PROGRAMS)[number];

export interface SetupFacts {
  /** Name at the login, and address. */
  readonly user: string;
  readonly password: string;
  readonly host: string;
  /** Ports; undefined where the bridge does not offer it. */
  readonly ports: Readonly<Partial<Record<SetupPort, number>>>;
  /** File with the certificate to trust. */
  readonly certFile: string;
  readonly certPem: string;
}

export type SetupPort = 'imap' | 'imaps' | 'pop3' | 'pop3s' | 'smtp' | 'smtps';

type Render = (facts: SetupFacts) => string;

const RENDER: Readonly<Record<SetupProgram, Render>> = {
  apple: renderApple,
  fetchmail: renderFetchmail,
  mbsync: renderMbsync,
  msmtp: renderMsmtp,
  mutt: renderMutt,
  other: renderOther,
  thunderbird: renderThunderbird,
};

/** The settings of one program. Throws RangeError when the bridge does not offer what it needs. */
export function setupText(program: SetupProgram, facts: SetupFacts): string {
  return RENDER[program](facts);
}

function portOf({ ports }: SetupFacts, name: SetupPort): number {
  const port = ports[name];
  if (port === undefined) throw new RangeError(name);
  return port;
}

/** A string of mutt, mbsync, msmtp or fetchmail. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function renderMutt(facts: SetupFacts): string {
  const { user, password, certFile } = facts;
  const login = user.replace('@', '%40');
  return [
    `set from = ${quoted(user)}`,
    'set use_from = yes',
    'set use_envelope_from = yes',
    `set imap_user = ${quoted(user)}`,
    `set imap_pass = ${quoted(password)}`,
    `set smtp_pass = ${quoted(password)}`,
    `set folder = "imaps://localhost:${portOf(facts, 'imaps')}/"`,
    'set spoolfile = "+INBOX"',
    'set record = "+Sent"',
    'set postponed = "+Drafts"',
    'set trash = "+Trash"',
    `set smtp_url = ${quoted(`smtps://${login}@localhost:${portOf(facts, 'smtps')}/`)}`,
    'set ssl_starttls = yes',
    'set ssl_force_tls = yes',
    `set certificate_file = ${quoted(certFile)}`,
    `set ssl_ca_certificates_file = ${quoted(certFile)}`,
    '',
  ].join('\n');
}

function renderMbsync(facts: SetupFacts): string {
  const { user, password, certFile } = facts;
  return [
    'IMAPAccount tanglemail',
    'Host localhost',
    `Port ${portOf(facts, 'imaps')}`,
    `User ${quoted(user)}`,
    `Pass ${quoted(password)}`,
    // Its name changed with isync 1.5; the old one is understood by both.
    'SSLType IMAPS',
    `CertificateFile ${quoted(certFile)}`,
    '',
    'IMAPStore tanglemail-remote',
    'Account tanglemail',
    '',
    'MaildirStore tanglemail-local',
    'Path ~/Mail/tanglemail/',
    'Inbox ~/Mail/tanglemail/INBOX',
    'SubFolders Verbatim',
    '',
    'Channel tanglemail',
    'Far :tanglemail-remote:',
    'Near :tanglemail-local:',
    'Patterns *',
    'Create Both',
    'Expunge Both',
    'SyncState *',
    '',
  ].join('\n');
}

function renderMsmtp(facts: SetupFacts): string {
  const { user, password, certFile } = facts;
  return [
    'account tanglemail',
    'host localhost',
    `port ${portOf(facts, 'smtps')}`,
    'tls on',
    'tls_starttls off',
    `tls_trust_file ${quoted(certFile)}`,
    'auth plain',
    `user ${quoted(user)}`,
    `password ${quoted(password)}`,
    `from ${quoted(user)}`,
    '',
    'account default : tanglemail',
    '',
  ].join('\n');
}

function renderFetchmail(facts: SetupFacts): string {
  const { user, password, certFile } = facts;
  return [
    `poll localhost protocol pop3 port ${portOf(facts, 'pop3s')} uidl`,
    `  user ${quoted(user)} password ${quoted(password)}`,
    `  ssl sslcertck sslcertfile ${quoted(certFile)}`,
    '  keep',
    '',
  ].join('\n');
}

function renderOther(facts: SetupFacts): string {
  const { user, password, ports, certFile } = facts;
  const door = (name: SetupPort, text: string): string[] =>
    ports[name] === undefined ? [] : [`${text.padEnd(22)}localhost, port ${ports[name]}`];
  return [
    `${'Name and address'.padEnd(22)}${user}`,
    `${'Password'.padEnd(22)}${password}`,
    ...door('imaps', 'IMAP over TLS'),
    ...door('imap', 'IMAP with STARTTLS'),
    ...door('smtps', 'SMTP over TLS'),
    ...door('smtp', 'SMTP with STARTTLS'),
    ...door('pop3s', 'POP3 over TLS'),
    ...door('pop3', 'POP3 with STLS'),
    `${'Certificate to trust'.padEnd(22)}${certFile}`,
    '',
    '; SRV records of RFC 6186, for a name server that only this machine asks',
    ...(['imaps', 'imap', 'pop3s', 'smtps'] as const).flatMap((name) => {
      const label = name === 'smtps' ? 'submissions' : name;
      return ports[name] === undefined ? [] : [`_${label}._tcp SRV 0 1 ${ports[name]} localhost.`];
    }),
    '',
  ].join('\n');
}

/** Of Thunderbird's autoconfig; it asks for the password when it first connects. */
function renderThunderbird(facts: SetupFacts): string {
  const user = xml(facts.user);
  const server = (kind: string, type: string, port: number): string[] => [
    `    <${kind} type="${type}">`,
    '      <hostname>localhost</hostname>',
    `      <port>${port}</port>`,
    '      <socketType>SSL</socketType>',
    `      <username>${user}</username>`,
    '      <authentication>password-cleartext</authentication>',
    `    </${kind}>`,
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<clientConfig version="1.1">',
    '  <emailProvider id="tangle.alt">',
    '    <domain>tangle.alt</domain>',
    '    <displayName>Tanglemail</displayName>',
    '    <displayShortName>Tanglemail</displayShortName>',
    ...server('incomingServer', 'imap', portOf(facts, 'imaps')),
    ...server('outgoingServer', 'smtp', portOf(facts, 'smtps')),
    '  </emailProvider>',
    '</clientConfig>',
    '',
  ].join('\n');
}

function renderApple(facts: SetupFacts): string {
  const { user, password, certPem } = facts;
  const id = createHash('sha256').update(user).digest('hex');
  const uuid = (at: number): string =>
    [8, 12, 16, 20, 32]
      .map((end, i, ends) => id.slice((ends[i - 1] ?? 0) + at, end + at))
      .join('-');
  const root = certPem.replaceAll(/-----[^-]+-----|\s/g, '');
  const text = (key: string, value: string): string =>
    `      <key>${key}</key><string>${xml(value)}</string>`;
  const number = (key: string, value: number): string =>
    `      <key>${key}</key><integer>${value}</integer>`;
  const server = (way: 'Incoming' | 'Outgoing', port: number): string[] => [
    text(`${way}MailServerHostName`, 'localhost'),
    number(`${way}MailServerPortNumber`, port),
    `      <key>${way}MailServerUseSSL</key><true/>`,
    text(`${way}MailServerUsername`, user),
    text(`${way}MailServerAuthentication`, 'EmailAuthPassword'),
    text(`${way === 'Incoming' ? 'Incoming' : 'Outgoing'}Password`, password),
  ];
  const payload = (type: string, at: number, lines: readonly string[]): string[] => [
    '    <dict>',
    text('PayloadType', type),
    text('PayloadIdentifier', `alt.tangle.${at}.${id.slice(0, 16)}`),
    text('PayloadUUID', uuid(at).toUpperCase()),
    number('PayloadVersion', 1),
    ...lines,
    '    </dict>',
  ];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" ' +
      '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    '    <key>PayloadContent</key>',
    '    <array>',
    ...payload('com.apple.mail.managed', 1, [
      text('EmailAccountType', 'EmailTypeIMAP'),
      text('EmailAccountDescription', 'Tanglemail'),
      text('EmailAddress', user),
      ...server('Incoming', portOf(facts, 'imaps')),
      ...server('Outgoing', portOf(facts, 'smtps')),
    ]),
    ...payload('com.apple.security.root', 2, [
      text('PayloadCertificateFileName', 'tanglemail.cer'),
      `      <key>PayloadContent</key><data>${root}</data>`,
    ]),
    '    </array>',
    text('PayloadDisplayName', 'Tanglemail'),
    text('PayloadIdentifier', `alt.tangle.${id.slice(0, 16)}`),
    text('PayloadType', 'Configuration'),
    text('PayloadUUID', uuid(0).toUpperCase()),
    number('PayloadVersion', 1),
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

function xml(text: string): string {
  const NAMES: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;' };
  return text.replaceAll(/[<>&"]/g, (character) => NAMES[character] ?? '');
}
