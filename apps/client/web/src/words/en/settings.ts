/** What the settings say, in English. */
import type { Plurals } from '../plurals.ts';

const hours: Plurals = { one: 'every hour', other: 'every {n} hours' };
const kept: Plurals = { one: 'the newest one is kept', other: 'the newest {n} are kept' };
const seconds: Plurals = { one: '{n} second', other: '{n} seconds' };

export const settings = {
  pages: 'Settings',
  general: 'General',
  privacy: 'Privacy',
  programs: 'Mail programs',
  devices: 'Devices',
  backup: 'Backup',
  hooks: 'Hooks',
  about: 'About',
  on: 'On',
  off: 'Off',
  language: 'Language',
  languages: { en: 'English', it: 'Italiano', de: 'Deutsch' },
  theme: 'Theme',
  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
  profile: 'Name',
  profileName: 'Your name in mails',
  profileHint: 'Stands in every mail that you write; may be empty. It is public.',
  browser: 'This browser',
  signOutHint: 'Mail and wallet stay on this device. To come back, open a new link by:',
  signOut: 'Sign this browser out',
  strangers: 'Mail of strangers',
  stamp: 'Work asked of a stranger for each mail',
  stamps: {
    '0': 'None',
    '16': 'Little',
    '20': 'Usual',
    '22': 'Four times as much',
    '24': 'Sixteen times as much',
  },
  stampOwn: '{n} bits',
  stampHint:
    'The usual work takes half a second of a phone. It costs an honest stranger ' +
    'nothing else, and makes a million unwanted mails dear. More work keeps more away, ' +
    'also people with weak phones. Contacts and invites never do it.',
  contactsOnly: 'Only contacts and invited people can write to me',
  contactsOnlyHint:
    'Mail of strangers is then not heard at all and cannot be found later. Nobody is ' +
    'told that they were not heard.',
  receipts: 'Receipts',
  receiptsHint:
    'A receipt costs one small mail with its proof of work, and tells the other side ' +
    'about when this device was on. These stand in config.json of the daemon:',
  receiptsAsk: 'Ask others for receipts',
  receiptsDelivery: 'Tell that a mail was fetched',
  deliveryTo: { never: 'Nobody', contacts: 'Contacts who ask', always: 'Everybody who asks' },
  receiptsRead: 'Tell that a mail was read',
  receiptsDelay: 'Wait before telling, up to',
  seconds,
  finding: 'How mail is found',
  findingHint: 'Each way shows something to somebody. They stand in config.json as mail.find.',
  ways: { tags: 'Tags', buckets: 'Buckets', filters: 'Filters' },
  wayHints: {
    tags:
      'Rented providers are told which tags to look for. Each learns how much mail ' +
      'comes under which tag and when, not who wrote it. Some 3 kB a day.',
    buckets:
      'Rented providers keep what strangers may have sent to you, among the mail of ' +
      'others. They learn how much of it is taken.',
    filters:
      'Nothing is told to anybody: filters of all mail are read from nodes and looked ' +
      'through here. A node learns only when this device was away and which milestones ' +
      'it fetches. 79 kB a day for every 1,000 users of the network.',
  },
  push: 'Providers tell of new mail at once',
  pushHint: 'They see when this device is on. Without it they are asked every few minutes.',
  filterState: 'Filters read up to milestone {next}; {mails} mails found, {falseHits} false hits',
  programsHint:
    'Any mail program on this machine can use the account. It connects to these doors, ' +
    'with a password of its own.',
  host: 'Server',
  user: 'User name',
  door: '{protocol}, {tls}',
  tls: { implicit: 'TLS', starttls: 'STARTTLS' },
  port: 'Port',
  fingerprint: 'Fingerprint of the certificate (SHA-256)',
  certificate: 'Save the certificate',
  noDoors: 'No door is open: bridge.protocols in config.json is empty.',
  passwords: 'Passwords of programs',
  noPasswords: 'No program has a password yet.',
  programName: 'Name of the program',
  make: 'Make a password',
  made: 'Password for {name}',
  madeHint: 'Shown this once. Copy it into the program now.',
  password: 'Password',
  passwordQr: 'QR code of the password',
  usedLast: 'Last used {time}',
  neverUsed: 'Never used',
  revoke: 'Revoke: {name}',
  revoked: '{name} cannot log in any more.',
  devicesHint: 'Each device has the whole account. One of them pays for the mailboxes.',
  thisDevice: 'This device',
  paying: 'Pays',
  forked: 'Two copies of it write: link it anew',
  removed: 'Removed',
  pay: 'Let this device pay',
  payDone: 'This device pays from now on.',
  remove: 'Remove: {name}',
  removeTitle: 'Remove {name}?',
  removeHint:
    'It gets no new mail from now on, and open invites end, because it knows them. ' +
    'What it holds already stays on it: whoever has it can read that. If it was ' +
    'stolen, tell your contacts as well.',
  removeNow: 'Remove this device',
  removedNow: 'The device is removed.',
  link: 'Link a device',
  linkHint: 'On the new device run this, or scan the code:',
  linkCode: 'Code',
  linkQr: 'QR code for the new device',
  linkUntil: 'Good until {time}',
  linkCompare: 'Does {name} show this number?',
  linkCompareHint: 'Confirm only if it is the same. Otherwise somebody stands between the two.',
  linkSame: 'It is the same',
  linkOther: 'It is another one',
  linkSending: 'Sending the account: {sent} of {all}',
  linkDone: 'The device is linked.',
  linkExpired: 'The code is over. Begin again.',
  linkRefused: 'The linking was refused.',
  linkWaiting: 'Waiting for the new device',
  backups: 'Make a backup',
  backupHint:
    'One file with the whole account, from which it can be made again on another ' +
    'machine. Without it, the recovery phrase brings back wallet and address, but ' +
    'neither contacts nor mail.',
  path: 'File on this machine',
  pathHint: 'A whole path, such as /home/me/account.backup. The file must be new.',
  lock: 'Opened by',
  locks: { words: 'Recovery phrase', passphrase: 'A passphrase of its own' },
  passphrase: 'Passphrase',
  withMail: 'With all mails',
  write: 'Write the backup',
  writing: 'The backup is being written.',
  written: 'The backup is written.',
  noPath: 'Give the file, and the passphrase if there shall be one.',
  automatic: 'Automatic backups',
  automaticOff: 'None are made: backup.folder is not set in config.json.',
  automaticOn: 'To {folder}, {hours}; {kept}.',
  hours,
  kept,
  lastMade: 'Last made',
  noneMade: 'None since the daemon started',
  lastError: 'The last attempt failed: {code}',
  hooksHint:
    'Programs that are told of new mail, such as bots. They are made by: tanglemail hook add',
  noHooks: 'No program is told of new mail.',
  hookFacts: '{folder}: {told} told, {failed} failed',
  hookError: 'Last error: {error}',
  hookRemove: 'Remove: {name}',
  hookRemoved: 'It is told of nothing any more.',
  allFolders: 'All folders',
  version: 'Version',
  network: 'Network',
  node: 'Node',
  milestone: 'Newest milestone',
  unknown: 'unknown',
  mailAddress: 'Mail address',
  published: 'Address in the tangle',
  sequence: 'Version {sequence}, {state}',
  states: { none: 'not published', queued: 'on its way', confirmed: 'confirmed' },
};
