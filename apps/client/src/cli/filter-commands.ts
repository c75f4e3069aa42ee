/**
 * `tanglemail filters`: how the search for mail by filters stands, and reading again.
 */
import { Command } from 'commander';
import type { FilterStatusDto } from '../api/filter-dto.ts';
import { ClientError } from '../client-error.ts';
import { type CommandContext, run } from './context.ts';
import { FilterClient } from './filter-client.ts';
import type { Terminal } from './terminal.ts';
import { facts } from './text.ts';

export function filtersCommand(terminal: Terminal): Command {
  return new Command('filters')
    .description('finding mail by filters, without naming a tag to anybody')
    .addCommand(statusCommand(terminal))
    .addCommand(rescanCommand(terminal));
}

async function clientOf(context: CommandContext): Promise<FilterClient> {
  return new FilterClient((await context.daemon()).link);
}

function statusCommand(terminal: Terminal): Command {
  const command = new Command('status').description('what was read, found and fetched, and whom');
  const examples = ['filters status', 'filters status --json'];
  return run(command, terminal, examples, async (context) => {
    const status = await (await clientOf(context)).status();
    context.print(status, () => describe(status));
  });
}

function rescanCommand(terminal: Terminal): Command {
  const command = new Command('rescan')
    .description('read filters again, in the background')
    .option('--from <index>', 'milestone to begin with (default: the oldest there is)');
  const examples = ['filters rescan', 'filters rescan --from 120000'];
  return run<{ from?: string }>(command, terminal, examples, async (context, { from }) => {
    const request = from === undefined ? {} : { from: indexOf(from) };
    const status = await (await clientOf(context)).rescan(request);
    context.print(status, () => `Reading again from milestone ${status.next ?? 0}.\n`);
  });
}

function indexOf(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new ClientError('request-malformed', '--from: a number');
  return Number(text);
}

function describe(status: FilterStatusDto): string {
  if (!status.isEnabled) return 'Off: add filters to mail.find in the settings.\n';
  const { hits, falseHits, decoys, caughtUpAt, comparedTo } = status;
  const at = caughtUpAt === null ? 'never' : new Date(caughtUpAt * 1_000).toISOString();
  const nodes = status.nodes.map(({ url, isTrusted, reason, milestoneIndex }) => {
    const held = isTrusted ? 'trusted' : `lied: ${reason} at milestone ${milestoneIndex}`;
    return ['node', `${url} (${held})`] as const;
  });
  return facts([
    ...nodes,
    ['next milestone', `${status.next ?? '-'}`],
    ['all read', at],
    ['compared up to', comparedTo === null ? 'nothing: one node only' : `${comparedTo}`],
    ['mails found', `${status.mails}`],
    ['milestones fetched', `${hits}, ${falseHits} without mail; ${decoys} decoys`],
    ['bytes', `${status.filterBytes} of filters, ${status.blockBytes} of blocks`],
    ['milestones missed', `${status.missed}`],
  ]);
}
