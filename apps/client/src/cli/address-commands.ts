/**
 * `tanglemail address` with its sub-addresses, and `tanglemail settings`: who we are to others.
 */
import { MAX_MESSAGE_SIZE } from '@tanglemail/mail/core/limits.ts';
import { Command, Option } from 'commander';
import type { SettingsDto, SubAddressDto } from '../api/people-dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import { integerOption } from './options.ts';
import { PeopleCalls } from './people-calls.ts';
import { writeOutputFile } from './output-file.ts';
import type { Terminal } from './terminal.ts';
import { counted, dateText, facts, oneLine, table } from './text.ts';

const MAX_STAMP_BITS = 28;

interface AddressOptions {
  readonly qr?: boolean;
  readonly png?: string;
  readonly link?: boolean;
  readonly sub?: string;
}

export function addressCommand(terminal: Terminal): Command {
  const command = new Command('address')
    .description('show the address that others write to')
    .option('--qr', 'show the link as a QR code')
    .option('--png <file>', 'write the QR code as a picture')
    .option('--link', 'show the tangle: link only')
    .option('--sub <label>', 'the sub-address with this label');
  run<AddressOptions>(
    command,
    terminal,
    ['address', 'address --qr', 'address --sub shop --link --json'],
    async (context, options) => {
      const daemon = await context.daemon();
      const people = new PeopleCalls(daemon);
      const shown = await (options.sub === undefined
        ? daemon.address()
        : people.address(options.sub));
      if (options.png !== undefined) await writeQr(options.png, shown.link);
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
  return command
    .addCommand(addCommand(terminal))
    .addCommand(listCommand(terminal))
    .addCommand(policyCommand(terminal))
    .addCommand(revokeCommand(terminal));
}

/** On a screen with its own colours: a QR code with dark and light exchanged is often not read. */
export async function qrOf(context: CommandContext, text: string): Promise<string> {
  const { toString: renderQr } = await import('qrcode');
  const { isOutputTty } = context.terminal;
  const code = isOutputTty
    ? await renderQr(text, { type: 'terminal', small: true })
    : await renderQr(text, { type: 'utf8' });
  return `\n${code.trimEnd()}\n`;
}

/** Writes a QR code as a PNG. */
export async function writeQr(file: string, text: string): Promise<void> {
  const { toBuffer } = await import('qrcode');
  await writeOutputFile(file, await toBuffer(text, { type: 'png', scale: 8 }));
}

interface PolicyOptions {
  readonly stampBits?: string;
  readonly contactsOnly?: 'on' | 'off';
}

function withPolicy(command: Command): Command {
  return command
    .option('--stamp-bits <bits>', 'work asked of a stranger for each mail, 0 to 28')
    .addOption(new Option('--contacts-only <choice>', 'hear contacts only').choices(['on', 'off']));
}

function policyOf({ stampBits, contactsOnly }: PolicyOptions): {
  stampBits?: number;
  contactsOnly?: boolean;
} {
  const limit = MAX_STAMP_BITS;
  return {
    ...(stampBits === undefined
      ? {}
      : { stampBits: integerOption('--stamp-bits', stampBits, 0, limit) }),
    ...(contactsOnly === undefined ? {} : { contactsOnly: contactsOnly === 'on' }),
  };
}

function addCommand(terminal: Terminal): Command {
  const command = withPolicy(
    new Command('add')
      .description('open a sub-address, which can be revoked by itself')
      .argument('<label>', 'what stands behind the +: a-z, 0-9 and -'),
  );
  return run<PolicyOptions>(
    command,
    terminal,
    ['address add shop', 'address add shop --stamp-bits 20'],
    async (context, options, [label = '']) => {
      const people = new PeopleCalls(await context.daemon());
      const added = await people.addSubAddress({ label, ...policyOf(options) });
      context.note('Others can write to it once it is published, in a minute or so.');
      context.print(added, () => describe(added));
    },
  );
}

function describe(one: SubAddressDto): string {
  return facts([
    ['address', one.address],
    ['e-mail', one.email],
    ['link', one.link],
    ['state', stateOf(one)],
  ]);
}

function stateOf({ revokedAtMs, contactsOnly, stampBits }: SubAddressDto): string {
  if (revokedAtMs !== undefined) return `revoked ${dateText(revokedAtMs)}`;
  return contactsOnly ? 'contacts only' : stampBits === 0 ? 'open' : `open, ${stampBits} bits`;
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list your sub-addresses, also revoked ones');
  return run(command, terminal, ['address list'], async (context) => {
    const list = await new PeopleCalls(await context.daemon()).subAddresses();
    context.print(list, () => {
      if (list.length === 0) return 'No sub-addresses: tanglemail address add LABEL\n';
      const columns = [
        { title: 'LABEL', of: (one: SubAddressDto) => one.label },
        { title: 'STATE', of: stateOf, isFlexible: true },
        { title: 'ADDRESS', of: (one: SubAddressDto) => one.address },
      ];
      return table(list, columns, terminal.columns);
    });
  });
}

function policyCommand(terminal: Terminal): Command {
  const command = withPolicy(
    new Command('policy')
      .description('change whom a sub-address hears; that of the plain one is in settings')
      .argument('<label>'),
  );
  return run<PolicyOptions>(
    command,
    terminal,
    ['address policy shop --contacts-only on'],
    async (context, options, [label = '']) => {
      const people = new PeopleCalls(await context.daemon());
      const policy = policyOf(options);
      if (Object.keys(policy).length === 0) {
        throw new ClientError('request-malformed', 'give --stamp-bits or --contacts-only');
      }
      const changed = await people.changeSubAddress(label, policy);
      context.print(changed, () => describe(changed));
    },
  );
}

function revokeCommand(terminal: Terminal): Command {
  const command = new Command('revoke')
    .description('end a sub-address: strangers who write to it are heard no more')
    .argument('<label>')
    .option('--block-contacts', 'block also whoever came by it');
  return run<{ blockContacts?: boolean }>(
    command,
    terminal,
    ['address revoke shop', 'address revoke shop --block-contacts'],
    async (context, { blockContacts = false }, [label = '']) => {
      const people = new PeopleCalls(await context.daemon());
      const revoked = await people.revokeSubAddress(label, blockContacts);
      context.print(revoked, () => {
        const names = revoked.contacts.map((one) => oneLine(one.name || one.address)).join(', ');
        if (names === '') return `Revoked ${label}.\n`;
        const many = counted(revoked.contacts.length, 'contact');
        return blockContacts
          ? `Revoked ${label} and blocked ${many}: ${names}.\n`
          : `Revoked ${label}. ${many} came by it and can still write: ${names}.\n` +
              'Block one with: tanglemail contacts block NAME\n';
      });
    },
  );
}

export function settingsCommand(terminal: Terminal): Command {
  return new Command('settings')
    .description('your name in letters, and whom you hear')
    .addCommand(showSettingsCommand(terminal))
    .addCommand(setCommand(terminal));
}

function settingsText(settings: SettingsDto): string {
  return facts([
    ['name', settings.profileName === '' ? '-' : settings.profileName],
    ['contacts only', settings.contactsOnly ? 'on' : 'off'],
    ['stamp bits', `${settings.stampBits}`],
    ['max mail', `${settings.maxMail} bytes`],
  ]);
}

function showSettingsCommand(terminal: Terminal): Command {
  const command = new Command('show').description('show them');
  return run(command, terminal, ['settings show --json'], async (context) => {
    const settings = await new PeopleCalls(await context.daemon()).settings();
    context.print(settings, () => settingsText(settings));
  });
}

function setCommand(terminal: Terminal): Command {
  const command = withPolicy(
    new Command('set')
      .description('change some; they are published at once')
      .option('--name <name>', 'your name in letters; empty for none')
      .option('--max-mail <bytes>', 'the largest mail that you accept, with its attachments'),
  );
  return run<PolicyOptions & { name?: string; maxMail?: string }>(
    command,
    terminal,
    ["settings set --name 'Ada L.'", 'settings set --contacts-only on --max-mail 10485760'],
    async (context, options) => {
      const { name, maxMail } = options;
      const change = {
        ...policyOf(options),
        ...(name === undefined ? {} : { profileName: name }),
        ...(maxMail === undefined
          ? {}
          : { maxMail: integerOption('--max-mail', maxMail, 1_024, MAX_MESSAGE_SIZE) }),
      };
      if (Object.keys(change).length === 0) {
        throw new ClientError('request-malformed', 'give at least one setting');
      }
      const settings = await new PeopleCalls(await context.daemon()).changeSettings(change);
      context.print(settings, () => settingsText(settings));
    },
  );
}
