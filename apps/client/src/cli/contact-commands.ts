/**
 * `tanglemail invite` and `contacts`: whom we know.
 */
import { Command } from 'commander';
import type { ContactDto } from '../api/dto.ts';
import type { ListedInviteDto } from '../api/people-dto.ts';
import { ClientError } from '../client-error.ts';
import { qrOf, writeQr } from './address-commands.ts';
import { run } from './context.ts';
import { integerOption } from './options.ts';
import { readQrImage } from './qr-image.ts';
import { findContact, PeopleCalls } from './people-calls.ts';
import { requestCommands } from './request-commands.ts';
import type { Terminal } from './terminal.ts';
import { dateText, facts, table } from './text.ts';

/** Characters of an invite's id that are shown. */
const SHORT_ID = 8;

export function inviteCommand(terminal: Terminal): Command {
  const command = new Command('invite')
    .description('make a link with a secret for one person: their mail then finds you at once')
    .option('--name <name>', 'whom it is for')
    .option('--days <days>', 'how long it is good', '30')
    .option('--qr', 'show the link as a QR code');
  run<{ name?: string; days: string; qr?: boolean }>(
    command,
    terminal,
    ['invite --name Bob', 'invite --days 7 --json'],
    async (context, { name, days, qr = false }) => {
      const invite = await (
        await context.daemon()
      ).createInvite({
        days: integerOption('--days', days, 1, 365),
        ...(name === undefined ? {} : { name }),
      });
      context.note('Give this link to one person only; it is a secret.');
      const code = qr && !context.isJson ? await qrOf(context, invite.link) : '';
      context.print(invite, () => `${invite.link}\n${code}`);
    },
  );
  return command.addCommand(listInvites(terminal)).addCommand(revokeInvite(terminal));
}

function listInvites(terminal: Terminal): Command {
  const command = new Command('list').description('list invites, the newest first');
  return run(command, terminal, ['invite list'], async (context) => {
    const invites = await new PeopleCalls(await context.daemon()).invites();
    context.print(invites, () => {
      if (invites.length === 0) return 'No invites.\n';
      const columns = [
        { title: 'ID', of: (one: ListedInviteDto) => one.id.slice(0, SHORT_ID) },
        { title: 'FOR', of: (one: ListedInviteDto) => one.name || '-', isFlexible: true },
        { title: 'STATE', of: (one: ListedInviteDto) => one.state },
        { title: 'GOOD UNTIL', of: (one: ListedInviteDto) => dateText(one.expiresAtMs) },
      ];
      return table(invites, columns, terminal.columns);
    });
  });
}

function revokeInvite(terminal: Terminal): Command {
  const command = new Command('revoke')
    .description('take an invite back: whoever has its link is a stranger again')
    .argument('<id>', 'its id, or how it begins');
  return run(
    command,
    terminal,
    ['invite revoke 1f0c9a7e'],
    async (context, _options, [id = '']) => {
      const people = new PeopleCalls(await context.daemon());
      const found = (await people.invites()).filter((one) => id !== '' && one.id.startsWith(id));
      const [invite] = found;
      if (invite === undefined || found.length > 1) throw new ClientError('invite-unknown', id);
      await people.revokeInvite(invite.id);
      context.print({ revoked: invite.id }, () => `Revoked ${invite.id.slice(0, SHORT_ID)}.\n`);
    },
  );
}

export function contactsCommand(terminal: Terminal): Command {
  const command = new Command('contacts').description('the people you know');
  const own = [listCommand, addCommand, showCommand, removeCommand];
  for (const make of own) command.addCommand(make(terminal));
  for (const one of requestCommands(terminal)) command.addCommand(one);
  return command;
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list all contacts');
  return run(command, terminal, ['contacts list', 'contacts list --json'], async (context) => {
    const contacts = await (await context.daemon()).contacts();
    context.print(contacts, () => {
      if (contacts.length === 0) return 'No contacts yet: tanglemail contacts add LINK\n';
      const columns = [
        { title: 'NAME', of: (one: ContactDto) => one.name || '-', isFlexible: true },
        { title: 'STATE', of: stateOf },
        { title: 'ADDRESS', of: (one: ContactDto) => one.address },
      ];
      return table(contacts, columns, terminal.columns);
    });
  });
}

/** What must be seen at once: that the keys have changed, or that they were compared. */
function stateOf({ state, keyChange, verifiedAtMs }: ContactDto): string {
  if (keyChange !== undefined) return `${state}, KEYS CHANGED`;
  return verifiedAtMs === undefined ? state : `${state}, verified`;
}

function addCommand(terminal: Terminal): Command {
  const command = new Command('add')
    .description('add a contact, or accept or rename one')
    .argument('[link-or-address]', 'a tangle: link, or an address')
    .option('--image <file>', 'a PNG with the QR code of a link, instead')
    .option('--name <name>', 'what you call them')
    .option('--note <text>', 'a note about them');
  return run<{ name?: string; note?: string; image?: string }>(
    command,
    terminal,
    [
      "contacts add 'tangle:tm1…?invite=…' --name Bob",
      'contacts add tm1… --name Carol',
      'contacts add --image code.png',
    ],
    async (context, { name, note, image }, [given]) => {
      if ((given === undefined) === (image === undefined)) {
        throw new ClientError('request-malformed', 'give either a link or address, or --image');
      }
      const text = image === undefined ? (given ?? '') : await readQrImage(image);
      const who = text.trim().toLowerCase().startsWith('tangle:')
        ? { link: text }
        : { address: text };
      const request = {
        ...who,
        ...(name === undefined ? {} : { name }),
        ...(note === undefined ? {} : { note }),
      };
      const contact = await (await context.daemon()).addContact(request);
      context.print(contact, () => describe(contact));
    },
  );
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show')
    .description('show one contact with its safety number and the history of its keys')
    .argument('<name-or-address>')
    .option('--qr', 'show the safety number as a QR code')
    .option('--png <file>', 'write that code as a picture');
  return run<{ qr?: boolean; png?: string }>(
    command,
    terminal,
    ['contacts show Bob', 'contacts show Bob --qr'],
    async (context, { qr = false, png }, [text = '']) => {
      const daemon = await context.daemon();
      const people = new PeopleCalls(daemon);
      const contact = await people.contact((await findContact(daemon, text)).address);
      const { safetyCode, keyHistory } = contact;
      if ((qr || png !== undefined) && safetyCode === undefined) {
        throw new ClientError('contact-keys-unknown');
      }
      if (png !== undefined) await writeQr(png, safetyCode ?? '');
      const code = qr && !context.isJson ? await qrOf(context, safetyCode ?? '') : '';
      context.print(contact, () => {
        const keys = keyHistory.map(({ identityKey, seenAtMs }) => {
          return `key since ${dateText(seenAtMs)}: ${identityKey.slice(0, 16)}…\n`;
        });
        return `${describe(contact)}${keys.join('')}${code}`;
      });
    },
  );
}

function removeCommand(terminal: Terminal): Command {
  const command = new Command('remove')
    .description('forget a contact; their mail is a stranger’s from then on')
    .argument('<name-or-address>');
  return run(command, terminal, ['contacts remove Bob'], async (context, _options, [text = '']) => {
    const daemon = await context.daemon();
    const contact = await findContact(daemon, text);
    await daemon.removeContact(contact.address);
    context.print({ removed: contact.address }, () => `Removed ${contact.address}.\n`);
  });
}

function describe(contact: ContactDto): string {
  const { verifiedAtMs, keyChange } = contact;
  const rows: (readonly [string, string])[] = [
    ['name', contact.name === '' ? '-' : contact.name],
    ['address', contact.address],
    ['e-mail', contact.email],
    ['state', contact.state],
  ];
  if (contact.cameBy !== undefined) rows.push(['came by', `+${contact.cameBy}`]);
  if (contact.writeBy !== undefined) rows.push(['write by', `+${contact.writeBy}`]);
  if (contact.note !== undefined) rows.push(['note', contact.note]);
  if (contact.safetyNumber !== undefined) rows.push(['safety number', contact.safetyNumber]);
  rows.push(['verified', verifiedAtMs === undefined ? 'no' : dateText(verifiedAtMs)]);
  return `${facts(rows)}${warnings(contact, keyChange)}`;
}

/** What somebody should know before the next mail. */
function warnings(contact: ContactDto, change: ContactDto['keyChange']): string {
  const lines: string[] = [];
  if (change !== undefined) {
    const was = change.wasVerified ? ' It was verified before.' : '';
    lines.push(
      `WARNING: its identity key changed on ${dateText(change.atMs)}.${was} Mail to it waits: ` +
        'compare the safety number, then contacts accept-keys.',
    );
  }
  if (contact.conflictAtMs !== undefined) {
    lines.push(
      'WARNING: it signed two descriptors with one number: two devices of it, or somebody else ' +
        'who has its keys.',
    );
  }
  if (contact.looksLike !== undefined) {
    lines.push(`WARNING: its name looks like that of ${contact.looksLike}.`);
  }
  return lines.map((line) => `${line}\n`).join('');
}
