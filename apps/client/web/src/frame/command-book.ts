/**
 * Commands by name: screens say what a command does while they are shown. Before: commands.tsx and
 * the screens; after: shortcuts.ts.
 */
import { createContext, useContext, useEffect, useRef } from 'react';
import type { Command } from './shortcuts.ts';

type Run = () => void;

/** What screens do, the last one that said so first. */
export class CommandBook {
  readonly #runs = new Map<Command, Run[]>();

  /** Gives what ends it. */
  add(command: Command, run: Run): () => void {
    this.#runs.set(command, [run, ...(this.#runs.get(command) ?? [])]);
    return () => {
      const left = (this.#runs.get(command) ?? []).filter((one) => one !== run);
      this.#runs.set(command, left);
    };
  }

  has(command: Command): boolean {
    return (this.#runs.get(command)?.length ?? 0) > 0;
  }

  /** False when nothing on the page does it. */
  run(command: Command): boolean {
    const [first] = this.#runs.get(command) ?? [];
    first?.();
    return first !== undefined;
  }
}

const CommandContext = createContext<CommandBook | undefined>(undefined);
export const CommandProvider = CommandContext.Provider;

export function useCommands(): CommandBook {
  const book = useContext(CommandContext);
  if (book === undefined) throw new Error('broken invariant: a screen stands inside Commands');
  return book;
}

/** What a command does while this is shown; undefined: nothing. */
export function useCommand(command: Command, run: Run | undefined): void {
  const book = useCommands();
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  const isThere = run !== undefined;
  useEffect(
    () => (isThere ? book.add(command, () => latest.current?.()) : undefined),
    [book, command, isThere],
  );
}
