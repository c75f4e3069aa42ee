/**
 * `tanglemail bridge`: mail programs on this machine, their passwords and their settings.
 */
import { Argument, Command } from 'commander';
import { dataFolder } from '../account/data-folder.ts';
import type { BridgeDto } from '../api/bridge-dto.ts';
import {
  SETUP_PROGRAMS,
  type SetupPort,
  type SetupProgram,
  setupText,
} from '../bridge/setup-texts.ts';
import { ClientError } from '../client-error.ts';
import { BridgeClient } from './bridge-client.ts';
import { type CommandContext, run } from './context.ts';
import type { Terminal } from './terminal.ts';
import { facts, table, dateText } from './text.ts';

interface SetupOptions {
  readonly name?: string;
}

export function bridgeCommand(terminal: Terminal): Command {
  return new Command('bridge')
    .description('use any mail program on this machine')
    .addCommand(showCommand(terminal))
    .addCommand(setupCommand(terminal))
    .addCommand(passwordCommand(terminal))
    .addCommand(revokeCommand(terminal))
    .addCommand(certificateCommand(terminal));
}

async function clientOf(context: CommandContext): Promise<BridgeClient> {
  return new BridgeClient((await context.daemon()).link);
}

function showCommand(terminal: Terminal): Command {
  const command = new Command('show').description('where programs connect, and their passwords');
  return run(command, terminal, ['bridge show'], async (context) => {
    const bridge = await (await clientOf(context)).show();
    context.print(bridge, () => {
      const doors = bridge.doors.map(({ protocol, tls, port }): [string, string] => [
        `${protocol}${tls === 'implicit' ? ' over TLS' : ' (STARTTLS)'}`,
        `${bridge.host}:${port}`,
      ]);
      const shown = facts([
        ['user', bridge.user],
        ...doors,
        ['certificate', dataFolder(context.dataDir).bridgeCertificate],
        ['fingerprint', bridge.fingerprint],
      ]);
      return `${shown}\n${passwordsText(bridge, terminal)}`;
    });
  });
}

function passwordsText({ passwords }: BridgeDto, terminal: Terminal): string {
  if (passwords.length === 0)
    return 'No program has a password yet: tanglemail bridge setup mutt\n';
  type Row = BridgeDto['passwords'][number];
  const columns = [
    { title: 'PASSWORD', of: (one: Row) => one.id },
    { title: 'PROGRAM', of: (one: Row) => one.name, isFlexible: true },
    { title: 'MADE', of: (one: Row) => dateText(one.createdAtMs) },
    {
      title: 'LAST USED',
      of: (one: Row) => (one.lastUsedMs === null ? 'never' : dateText(one.lastUsedMs)),
    },
  ];
  return table(passwords, columns, terminal.columns);
}

function setupCommand(terminal: Terminal): Command {
  const command = new Command('setup')
    .description('make a password for a program and print its settings')
    .addArgument(new Argument('<program>').choices([...SETUP_PROGRAMS]))
    .option('--name <name>', 'what the password is called (default: the program)');
  const examples = [
    'bridge setup mutt > ~/.muttrc-tanglemail',
    'bridge setup apple > tanglemail.mobileconfig',
    'bridge setup other',
  ];
  return run<SetupOptions>(
    command,
    terminal,
    examples,
    async (context, options, [program = '']) => {
      const client = await clientOf(context);
      const bridge = await client.show();
      const added = await client.addPassword(options.name ?? program);
      const { user, host, certPem } = bridge;
      const certFile = dataFolder(context.dataDir).bridgeCertificate;
      const { password } = added;
      const ports = portsOf(bridge);
      try {
        const text = setupText(program as SetupProgram, {
          user,
          host,
          certPem,
          certFile,
          password,
          ports,
        });
        context.print({ ...added, program, settings: text }, () => text);
      } catch (error) {
        await client.removePassword(added.id);
        if (!(error instanceof RangeError)) throw error;
        throw new ClientError('bridge-closed', error.message, { cause: error });
      }
      if (program === 'thunderbird') context.note(`The password, shown once: ${password}`);
      context.note(`Take it back with: tanglemail bridge revoke ${added.id}`);
    },
  );
}

function portsOf({ doors }: BridgeDto): Partial<Record<SetupPort, number>> {
  return Object.fromEntries(
    doors.map(({ protocol, tls, port }) => [`${protocol}${tls === 'implicit' ? 's' : ''}`, port]),
  );
}

function passwordCommand(terminal: Terminal): Command {
  const command = new Command('password')
    .description('make a password for a program')
    .argument('<name>', 'what you call the program');
  return run(
    command,
    terminal,
    ['bridge password Aerc'],
    async (context, _options, [name = '']) => {
      const added = await (await clientOf(context)).addPassword(name);
      context.print(added, () =>
        facts([
          ['password', `${added.password} (shown once)`],
          ['id', added.id],
        ]),
      );
    },
  );
}

function revokeCommand(terminal: Terminal): Command {
  const command = new Command('revoke')
    .description('take a password back')
    .argument('<id>', 'as `bridge show` lists it');
  const examples = ['bridge revoke 0f3a5c7e9b1d2f46'];
  return run(command, terminal, examples, async (context, _options, [id = '']) => {
    await (await clientOf(context)).removePassword(id);
    context.print({ revoked: id }, () => `The password ${id} is worth nothing any more.\n`);
  });
}

function certificateCommand(terminal: Terminal): Command {
  const command = new Command('certificate').description('print the certificate to trust, as PEM');
  return run(command, terminal, ['bridge certificate > ca.pem'], async (context) => {
    const { certPem, fingerprint } = await (await clientOf(context)).show();
    context.print({ certPem, fingerprint }, () => `${certPem}\n`);
  });
}
