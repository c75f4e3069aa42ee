/**
 * `tanglemail device`: several machines with one account. Spec: docs/spec/44-device-link.md.
 */
import { hostname } from 'node:os';
import { Command } from 'commander';
import type { DeviceDto, LinkDto } from '../api/devices-dto.ts';
import { ClientError } from '../client-error.ts';
import { pause } from '../pause.ts';
import { type CommandContext, run } from './context.ts';
import { DaemonLink } from './daemon-link.ts';
import { DevicesClient } from './devices-client.ts';
import type { Settings } from './program.ts';
import type { Terminal } from './terminal.ts';
import { table } from './text.ts';

const POLL_MS = 500;

export function deviceCommand(terminal: Terminal, settings: Settings | undefined): Command {
  return new Command('device')
    .description('the machines that share this account')
    .addCommand(listCommand(terminal))
    .addCommand(linkCommand(terminal))
    .addCommand(joinCommand(terminal, settings))
    .addCommand(removeCommand(terminal))
    .addCommand(payCommand(terminal))
    .addCommand(rotateCommand(terminal));
}

async function clientOf(context: CommandContext): Promise<DevicesClient> {
  return new DevicesClient(await DaemonLink.find(context.dataDir));
}

function show(context: CommandContext, devices: readonly DeviceDto[]): void {
  context.print(devices, () => {
    const state = (one: DeviceDto): string => {
      if (one.isForked) return 'copied: link it anew';
      if (one.isRemoved) return 'removed';
      const role = one.isOwn ? 'this one' : 'linked';
      return one.isPaying ? `${role}, pays` : role;
    };
    const columns = [
      { title: 'ID', of: (one: DeviceDto) => one.id.slice(0, 16) },
      { title: 'STATE', of: state },
      { title: 'NAME', of: (one: DeviceDto) => one.name, isFlexible: true },
    ];
    return table(devices, columns, context.terminal.columns);
  });
}

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list the devices of the account');
  return run(command, terminal, ['device list', 'device list --json'], async (context) => {
    show(context, await (await clientOf(context)).list());
  });
}

function linkCommand(terminal: Terminal): Command {
  const command = new Command('link').description(
    'show a code for a new device, compare the numbers, send it the account',
  );
  return run(command, terminal, ['device link'], async (context) => {
    const client = await clientOf(context);
    const { terminal: own } = context;
    const begun = await client.beginLink();
    own.err(`${begun.qr ?? ''}\nOn the new device, within ten minutes:\n`);
    own.err(`  tanglemail device join ${begun.code ?? ''}\n`);
    const met = await follow(client, ['waiting']);
    if (met.state !== 'compare') throw new ClientError('link-expired', met.state);
    own.err(`The new device calls itself "${met.name ?? ''}" and shows a number.\n`);
    const typed = await own.ask('Type the number that it shows: ', false);
    if (!/^[0-9]{6}$/.test(typed.trim())) {
      await client.cancelLink();
      throw new ClientError('link-number-wrong', 'expected six digits');
    }
    await client.confirmLink(typed.trim());
    const ended = await follow(client, ['sending', 'compare']);
    if (ended.state !== 'done') throw new ClientError('link-not-open', ended.state);
    context.print(ended, () => 'The new device has the account.\n');
  });
}

/** Waits until the link is in none of these states. */
async function follow(
  client: DevicesClient,
  states: readonly LinkDto['state'][],
): Promise<LinkDto> {
  for (;;) {
    const link = await client.link();
    if (!states.includes(link.state)) return link;
    await pause(POLL_MS, new AbortController().signal);
  }
}

interface JoinOptions {
  readonly name?: string;
  readonly genesisId?: string;
}

const JOIN_SETTINGS = new Set(['node.url', 'genesisFile', 'passphraseFile']);

function joinCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = new Command('join')
    .description('make the account of another device here, in an empty data folder')
    .argument('<code>', 'what the other device shows')
    .option('--name <name>', 'what this device is called (default: the name of the machine)')
    .option('--genesis-id <hex>', 'refuse any other genesis than this one');
  settings?.addSettings(command, (key) => JOIN_SETTINGS.has(key));
  const examples = ['device join tmlink1:… --node http://127.0.0.1:14265'];
  return run<JoinOptions>(command, terminal, examples, async (context, options, args) => {
    if (settings === undefined) throw new Error('broken invariant: settings are loaded');
    const { requireNoAccount } = await import('../account/install.ts');
    await requireNoAccount(context.dataDir);
    const config = await settings.settingsOf(command, context);
    const { describe } = await import('./account-commands.ts');
    const { findGenesis } = await import('./account-inputs.ts');
    const genesis = await findGenesis(context, config, options.genesisId);
    const { choosePassphrase } = await import('./passphrase.ts');
    const passphrase = await choosePassphrase(context.terminal, config.passphraseFile);
    const { joinFromShell } = await import('./join.ts');
    const made = await joinFromShell(
      {
        code: args[0] ?? '',
        name: options.name ?? hostname(),
        dataDir: context.dataDir,
        nodeUrl: config.node.url,
        passphrase,
        genesis,
      },
      (number) => {
        context.terminal.err(`This device shows ${number}: type it on the other one.\n`);
      },
    );
    context.print(made, () => describe(made));
    context.note('The account is here, too: start it with tanglemail daemon.');
  });
}

function removeCommand(terminal: Terminal): Command {
  const command = new Command('remove')
    .description('take a device off the list; what is sent from now on it cannot open')
    .argument('<id>', 'its id, or the beginning of it');
  return run(command, terminal, ['device remove 3f0a9c21'], async (context, _options, args) => {
    show(context, await (await clientOf(context)).remove(args[0] ?? ''));
    context.note('Make a new backup: older ones do not learn of the new secrets.');
    context.note('Invites that were open have ended, since it knew them: make new ones.');
  });
}

function payCommand(terminal: Terminal): Command {
  const command = new Command('pay').description('let this device pay for the mailboxes');
  return run(command, terminal, ['device pay'], async (context) => {
    const client = await clientOf(context);
    await client.pay();
    show(context, await client.list());
  });
}

function rotateCommand(terminal: Terminal): Command {
  const command = new Command('rotate').description(
    'mix fresh randomness into the secrets, on suspicion that somebody copied them',
  );
  return run(command, terminal, ['device rotate'], async (context) => {
    await (await clientOf(context)).rotate();
    context.print({ rotated: true }, () => 'New secrets are in use once the descriptor is out.\n');
  });
}
