/**
 * `tanglemail daemon`: running it, asking how it is, stopping it.
 */
import { Command } from 'commander';
import type { StatusDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { run } from './context.ts';
import { readDaemonFile } from './daemon-link.ts';
import type { Settings } from './program.ts';
import type { Terminal } from './terminal.ts';
import { counted, dateText, facts } from './text.ts';
import { waitUntil } from './wait.ts';

const STOP_MS = 60_000;

export function daemonCommand(terminal: Terminal, settings: Settings | undefined): Command {
  const command = new Command('daemon').description(
    'run the account in the foreground until SIGINT or SIGTERM; it sends and fetches mail',
  );
  settings?.addSettings(command, () => true);
  command.addCommand(statusCommand(terminal)).addCommand(stopCommand(terminal));
  return run(
    command,
    terminal,
    ['daemon', 'daemon --node http://127.0.0.1:14265 --port 0', 'daemon status', 'daemon stop'],
    async (context) => {
      if (settings === undefined) throw new Error('broken invariant: settings are loaded');
      const config = await settings.settingsOf(command, context);
      const { runDaemon } = await import('./daemon.ts');
      await runDaemon(context, config);
    },
  );
}

function statusCommand(terminal: Terminal): Command {
  const command = new Command('status').description('show how the daemon and the account are');
  return run(command, terminal, ['daemon status', 'daemon status --json'], async (context) => {
    const daemon = await context.daemon();
    const status = await daemon.status();
    context.print(status, () => facts(rowsOf(status, daemon.file.api)));
  });
}

function rowsOf(status: StatusDto, api: string): (readonly [string, string])[] {
  const { node, descriptor, wallet, outbox, inbox, lastSync } = status;
  const milestone = node.latestMilestone;
  const seen = milestone === null ? '' : `, milestone ${milestone.index}`;
  const { balance } = wallet;
  return [
    ['daemon', `${api}, version ${status.version}`],
    ['address', status.address],
    ['node', `${node.url} ${node.reachable ? `(${node.networkName}${seen})` : 'does not answer'}`],
    ['descriptor', descriptor.state],
    ['balance', balance === null ? 'not known yet' : formatAmount(BigInt(balance))],
    ['rented', counted(status.providers, 'mailbox').replace('mailboxs', 'mailboxes')],
    ['outbox', `${outbox.queued} queued, ${outbox.failed} failed`],
    ['inbox', `${counted(inbox.total, 'message')}, ${inbox.unread} unread`],
    ['last sync', lastSync === null ? 'never' : dateText(lastSync.at)],
  ];
}

function stopCommand(terminal: Terminal): Command {
  const command = new Command('stop').description('stop the daemon and wait until it has stopped');
  return run(command, terminal, ['daemon stop'], async (context) => {
    const { dataDir } = context;
    const daemon = await context.daemon();
    const { pid, token } = daemon.file;
    // Only the daemon itself answers to its token, so this process id is still its own.
    await daemon.status();
    signal(pid);
    await waitUntil(async () => {
      const file = await readDaemonFile(dataDir);
      return file?.token === token ? undefined : true;
    }, STOP_MS);
    context.print({ stopped: pid }, () => 'The daemon has stopped.\n');
  });
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (cause) {
    throw new ClientError('daemon-unreachable', `process ${pid}`, { cause });
  }
}
