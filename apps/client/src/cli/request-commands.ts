/**
 * `tanglemail contacts requests`, `accept`, `reject`, `block`, `unblock`, `verify`, `accept-keys`,
 * `edit`, `export` and `import`.
 */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { RequestDto } from '../api/people-dto.ts';
import type { ContactAction } from '../api/people-service.ts';
import { ClientError } from '../client-error.ts';
import { run } from './context.ts';
import { findAddress, PeopleCalls } from './people-calls.ts';
import { readQrImage } from './qr-image.ts';
import { writeOutputFile } from './output-file.ts';
import type { Terminal } from './terminal.ts';
import { counted, oneLine, table } from './text.ts';

const WHO = '<name-or-address>';

export function requestCommands(terminal: Terminal): Command[] {
  return [
    requestsCommand(terminal),
    acceptCommand(terminal),
    ...Object.keys(DECISIONS).map((action) => decideCommand(terminal, action as ContactAction)),
    verifyCommand(terminal),
    editCommand(terminal),
    exportCommand(terminal),
    importCommand(terminal),
  ];
}

function requestsCommand(terminal: Terminal): Command {
  const command = new Command('requests').description('who wrote to you without being a contact');
  return run(command, terminal, ['contacts requests'], async (context) => {
    const requests = await new PeopleCalls(await context.daemon()).requests();
    context.print(requests, () => {
      if (requests.length === 0) return 'No requests.\n';
      const columns = [
        { title: 'CALLS ITSELF', of: nameOf, isFlexible: true },
        { title: 'MAILS', of: (one: RequestDto) => `${one.mails}`, isRight: true },
        { title: 'CAME BY', of: (one: RequestDto) => one.cameBy ?? '-' },
        { title: 'ADDRESS', of: (one: RequestDto) => one.address },
      ];
      return table(requests, columns, terminal.columns);
    });
  });
}

function nameOf({ name, looksLike }: RequestDto): string {
  return looksLike === undefined ? name || '-' : `${name} (looks like a contact of yours!)`;
}

function acceptCommand(terminal: Terminal): Command {
  const command = new Command('accept')
    .description('accept a request: its mails go to INBOX')
    .argument(WHO)
    .option('--name <name>', 'what you call them');
  return run<{ name?: string }>(
    command,
    terminal,
    ['contacts accept tm1… --name Carol'],
    async (context, { name }, [text = '']) => {
      const daemon = await context.daemon();
      const address = await findAddress(daemon, text);
      const request = name === undefined ? {} : { name };
      const contact = await new PeopleCalls(daemon).acceptRequest(address, request);
      context.print(contact, () => `Accepted ${oneLine(contact.name || contact.address)}.\n`);
    },
  );
}

const DECISIONS: Record<ContactAction, { readonly help: string; readonly done: string }> = {
  reject: {
    help: 'put the mails of a request to Trash; its sender is not told',
    done: 'Rejected',
  },
  block: { help: 'hear an address no more; it is not told', done: 'Blocked' },
  unblock: { help: 'let a blocked address ask again', done: 'Unblocked' },
  'accept-keys': {
    help: 'say that the changed keys of a contact are right',
    done: 'Accepted the keys of',
  },
};

function decideCommand(terminal: Terminal, action: ContactAction): Command {
  const { help, done } = DECISIONS[action];
  const command = new Command(action).description(help).argument(WHO);
  return run(
    command,
    terminal,
    [`contacts ${action} Carol`],
    async (context, _options, [text = '']) => {
      const daemon = await context.daemon();
      const address = await findAddress(daemon, text);
      await new PeopleCalls(daemon).decide(address, action);
      context.print({ address, action }, () => `${done} ${address}.\n`);
    },
  );
}

function verifyCommand(terminal: Terminal): Command {
  const command = new Command('verify')
    .description('compare the safety number that a contact reads to you, or shows')
    .argument(WHO)
    .option('--number <digits>', 'the 60 digits, with or without spaces')
    .option('--code <text>', 'what their QR code says: tangle-safety:…')
    .option('--image <file>', 'a PNG with their QR code');
  return run<{ number?: string; code?: string; image?: string }>(
    command,
    terminal,
    ["contacts verify Bob --number '12345 67890 …'", 'contacts verify Bob --code tangle-safety:…'],
    async (context, { number, image, ...rest }, [text = '']) => {
      const code = image === undefined ? rest.code : await readQrImage(image);
      const daemon = await context.daemon();
      const address = await findAddress(daemon, text);
      const proof = {
        ...(number === undefined ? {} : { number }),
        ...(code === undefined ? {} : { code }),
      };
      const contact = await new PeopleCalls(daemon).verify(address, proof);
      context.print(contact, () => `Verified ${oneLine(contact.name || contact.address)}.\n`);
    },
  );
}

function editCommand(terminal: Terminal): Command {
  const command = new Command('edit')
    .description('rename a contact, or note something about it')
    .argument(WHO)
    .option('--name <name>', 'what you call them')
    .option('--note <text>', 'a note; empty takes it away');
  return run<{ name?: string; note?: string }>(
    command,
    terminal,
    ["contacts edit Bob --name 'Bob B.' --note 'from the choir'"],
    async (context, { name, note }, [text = '']) => {
      if (name === undefined && note === undefined) {
        throw new ClientError('request-malformed', 'give --name or --note');
      }
      const daemon = await context.daemon();
      const address = await findAddress(daemon, text);
      const contact = await new PeopleCalls(daemon).editContact(address, {
        ...(name === undefined ? {} : { name }),
        ...(note === undefined ? {} : { note }),
      });
      context.print(contact, () => `Changed ${oneLine(contact.name || contact.address)}.\n`);
    },
  );
}

function exportCommand(terminal: Terminal): Command {
  const command = new Command('export')
    .description('write all contacts as vCard 4.0')
    .argument('[file]', 'file to write, a new one; else standard output');
  return run(
    command,
    terminal,
    ['contacts export contacts.vcf'],
    async (context, _options, [file]) => {
      const cards = await new PeopleCalls(await context.daemon()).exportContacts();
      if (file !== undefined) await writeOutputFile(file, cards.vcard);
      const count = cards.vcard.split('BEGIN:VCARD').length - 1;
      const words = `Wrote ${counted(count, 'contact')} to ${file}.\n`;
      context.print(file === undefined ? cards : { file, contacts: count }, () =>
        file === undefined ? cards.vcard : words,
      );
    },
  );
}

function importCommand(terminal: Terminal): Command {
  const command = new Command('import')
    .description('take contacts from a vCard file; nobody in it counts as verified')
    .argument('<file>');
  return run(
    command,
    terminal,
    ['contacts import contacts.vcf'],
    async (context, _options, [file = '']) => {
      const vcard = await readTextFile(file);
      const report = await new PeopleCalls(await context.daemon()).importContacts({ vcard });
      const { added, completed, unchanged, skipped } = report;
      context.print(
        report,
        () =>
          `Added ${counted(added, 'contact')}, completed ${completed}, ` +
          `left ${unchanged} as they were, skipped ${counted(skipped, 'card')}.\n`,
      );
    },
  );
}

async function readTextFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ClientError('file-unusable', `${file} cannot be read`, { cause });
  }
}
