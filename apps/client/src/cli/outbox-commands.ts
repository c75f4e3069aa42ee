/**
 * `tanglemail recall`: taking mail back that has not left.
 */
import { Command } from 'commander';
import type { RecallDto } from '../api/outbox-dto.ts';
import { run } from './context.ts';
import { OutboxCalls } from './outbox-calls.ts';
import type { Terminal } from './terminal.ts';

export function recallCommand(terminal: Terminal): Command {
  const command = new Command('recall')
    .description('take a mail back that has not left this device')
    .argument('<outbox-id>', 'as `outbox` shows it')
    .option('--only', 'for this recipient, not for all of the mail');
  return run<{ only?: boolean }>(
    command,
    terminal,
    ['recall 17', 'recall 17 --only --json'],
    async (context, { only }, [id = '']) => {
      const calls = new OutboxCalls((await context.daemon()).link);
      const answer = await calls.recall(id, only === true ? 'recipient' : 'message');
      context.print(answer, () => describe(answer));
    },
  );
}

function describe({ recalled, tooLate, draftId }: RecallDto): string {
  const draft = draftId === undefined ? '' : `It lies in Drafts again: ${draftId}\n`;
  const back = `Taken back, never sent: ${recalled.join(', ')}.\n${draft}`;
  return tooLate.length === 0 ? back : `${back}Too late, on the way: ${tooLate.join(', ')}.\n`;
}
