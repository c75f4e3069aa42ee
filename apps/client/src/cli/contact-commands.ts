/**
 * `tanglemail address`, `invite` and `contacts`: who we are, and whom we know.
 */
import { Command } from 'commander';
import type { ContactDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import type { DaemonClient } from './daemon-client.ts';
import type { Terminal } from './terminal.ts';
import { counted, facts, table } from './text.ts';

interface AddressOptions {
  readonly qr?: boolean;
  readonly link?: boolean;
}

export function addressCommand(terminal: Terminal): Command {
  const command = new Command('address')
    .description('show the address that others write to')
    .option('--qr', 'show the link as a QR code')
    .option('--link', 'show the tangle: link only');
  return run<AddressOptions>(
    command,
    terminal,
    ['address', 'address --qr', 'address --link --json'],
    async (context, options) => {
      const shown = await (await context.daemon()).address();
      const qr = options.qr === true && !context.isJson ? await qrOf(context, shown.link) : '';
      context.print(shown, () => {
        if (options.link === true) return `${shown.link}\n${qr}`;
        const rows = [
          ['address', shown.address],
          ['e-mail', shown.email],
          ['link', shown.link],
        ] as const;
        return `${facts(rows)}${qr}`;
      });
    },
  );
}

/** On a screen with its own colours: a QR code with dark and light exchanged is often not read. */
async function qrOf(context: CommandContext, text: string): Promise<string> {
  const { toString: renderQr } = await import('qrcode');
  const { isOutputTty } = context.terminal;
  const code = isOutputTty
    ? await renderQr(text, { type: 'terminal', small: true })
    : await renderQr(text, { type: 'utf8' });
  return `\n${code.trimEnd()}\n`;
}

export function inviteCommand(terminal: Terminal): Command {
  const command = new Command('invite')
    .description('make a link with a secret for one person: their mail then finds you at once')
    .option('--name <name>', 'whom it is for');
  return run<{ name?: string }>(
    command,
    terminal,
    ['invite --name Bob', 'invite --json'],
    async (context, { name }) => {
      const invite = await (
        await context.daemon()
      ).createInvite(name === undefined ? {} : { name });
      context.note('Give this link to one person only; it is a secret.');
      context.print(invite, () => `${invite.link}\n`);
    },
  );
}

export function contactsCommand(terminal: Terminal): Command {
  return new Command('contacts')
    .description('the people you know')
    .addCommand(listCommand(terminal))
    .addCommand(addCommand(terminal))
    .addCommand(showCommand(terminal))
    .addCommand(removeCommand(terminal));
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list all contacts');
  return run(command, terminal, ['contacts list', 'contacts list --json'], async (context) => {
    const contacts = await (await context.daemon()).contacts();
    context.print(contacts, () => {
      if (contacts.length === 0) return 'No contacts yet: tanglemail contacts add LINK\n';
      const columns = [
        { title: 'NAME', of: (one: ContactDto) => one.name || '-', isFlexible: true },
        { title: 'STATE', of: (one: ContactDto) => one.state },
        { title: 'ADDRESS', of: (one: ContactDto) => one.address },
      ];
      return table(contacts, columns, terminal.columns);
    });
  });
}

function addCommand(terminal: Terminal): Command {
  const command = new Command('add')
    .description('add a contact, or accept or rename one')
    .argument('<link-or-address>', 'a tangle: link, or an address')
    .option('--name <name>', 'what you call them');
  return run<{ name?: string }>(
    command,
    terminal,
    ["contacts add 'tangle:tm1…?invite=…' --name Bob", 'contacts add tm1… --name Carol'],
    async (context, { name }, [text = '']) => {
      const who = text.trim().toLowerCase().startsWith('tangle:')
        ? { link: text }
        : { address: text };
      const request = name === undefined ? who : { ...who, name };
      const contact = await (await context.daemon()).addContact(request);
      context.print(contact, () => describe(contact));
    },
  );
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show')
    .description('show one contact with its safety number')
    .argument('<name-or-address>');
  return run(command, terminal, ['contacts show Bob'], async (context, _options, [text = '']) => {
    const contact = await find(await context.daemon(), text);
    context.print(contact, () => describe(contact));
  });
}

function removeCommand(terminal: Terminal): Command {
  const command = new Command('remove')
    .description('forget a contact; their mail is a stranger’s from then on')
    .argument('<name-or-address>');
  return run(command, terminal, ['contacts remove Bob'], async (context, _options, [text = '']) => {
    const daemon = await context.daemon();
    const contact = await find(daemon, text);
    await daemon.removeContact(contact.address);
    context.print({ removed: contact.address }, () => `Removed ${contact.address}.\n`);
  });
}

/** The contact with this address, e-mail address or name. */
async function find(daemon: DaemonClient, text: string): Promise<ContactDto> {
  const wanted = text.trim().toLowerCase();
  const found = (await daemon.contacts()).filter((one) =>
    [one.address, one.email, one.name.toLowerCase()].includes(wanted),
  );
  const [contact] = found;
  if (contact === undefined) throw new ClientError('contact-unknown', text);
  if (found.length > 1) {
    throw new ClientError('contact-unknown', `${counted(found.length, 'contact')} have this name`);
  }
  return contact;
}

function describe(contact: ContactDto): string {
  const rows: (readonly [string, string])[] = [
    ['name', contact.name === '' ? '-' : contact.name],
    ['address', contact.address],
    ['e-mail', contact.email],
    ['state', contact.state],
  ];
  if (contact.safetyNumber !== undefined) rows.push(['safety number', contact.safetyNumber]);
  return facts(rows);
}
