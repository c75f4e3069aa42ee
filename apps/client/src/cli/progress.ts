/**
 * Progress of mails on standard error: one bar a recipient for a person who watches, nothing in
 * scripts.
 */
import type { OutboxItemDto } from '../api/dto.ts';
import type { CommandContext } from './context.ts';
import { goalStep, progressOf, stateText, type WaitGoal } from './outbox-states.ts';
import { cut, oneLine } from './text.ts';

export interface Progress {
  show(items: readonly OutboxItemDto[]): void;
  close(): void;
}

const SILENT: Progress = { show: () => {}, close: () => {} };
const NAME_WIDTH = 20;
const STATE_WIDTH = 30;

/** A progress display towards `goal`. */
export async function openProgress(context: CommandContext, goal: WaitGoal): Promise<Progress> {
  const { terminal, isJson } = context;
  if (!terminal.isErrorTty || isJson) return SILENT;
  const { default: cliProgress } = await import('cli-progress');
  const bars = new cliProgress.MultiBar({
    format: ' {name} [{bar}] {state}',
    barsize: Math.max(10, Math.min(24, terminal.columns - NAME_WIDTH - STATE_WIDTH - 6)),
    hideCursor: true,
    emptyOnZero: true,
    stream: terminal.errorStream,
  });
  const total = goalStep(goal);
  const known = new Map<string, ReturnType<typeof bars.create>>();
  return {
    show: (items) => {
      for (const item of items) {
        const bar = known.get(item.id) ?? bars.create(total, 0);
        known.set(item.id, bar);
        const name = cut(oneLine(item.to.name || item.to.address), NAME_WIDTH);
        const state = cut(oneLine(stateText(item)), STATE_WIDTH);
        bar.update(Math.min(total, progressOf(item)), { name: name.padEnd(NAME_WIDTH), state });
      }
    },
    close: () => bars.stop(),
  };
}
