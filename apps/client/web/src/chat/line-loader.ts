/**
 * Keeps the lines of one conversation as the daemon has them: the newest page, older ones as the
 * reader comes to them, and one line alone when something about it has changed. One question after
 * the other. Before: use-lines.ts; after: loaded-lines.ts.
 */
import { ApiProblem } from '../daemon/problem.ts';
import {
  dueFor,
  type Line,
  type LoadedLines,
  PAGE_LINES,
  trimmed,
  withNewest,
  withOlder,
  withOne,
} from './loaded-lines.ts';

export interface LineState extends LoadedLines {
  readonly isLoading: boolean;
  /** Of the last question, when it failed. */
  readonly problem: ApiProblem | undefined;
}

/** The newest `limit` lines below number `before`, newest first. */
export type AskLines = (limit: number, before?: number) => Promise<readonly Line[]>;

type Due = 'newest' | 'older' | number;

export class LineLoader {
  readonly #ask: AskLines;
  readonly #watchers = new Set<() => void>();
  /** At most one for each line that is held, and two. */
  readonly #due = new Set<Due>();
  #isRunning = false;
  #isAtEnd = true;
  #state: LineState = { lines: [], isWhole: false, isLoading: true, problem: undefined };

  constructor(ask: AskLines) {
    this.#ask = ask;
  }

  readonly state = (): LineState => this.#state;

  /** Gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Asks for the newest lines. */
  readonly refresh = (): void => void this.#add('newest');

  /** Asks for what lies before the first line. */
  readonly older = (): void => {
    if (!this.#state.isWhole && this.#state.lines.length > 0) void this.#add('older');
  };

  /** Something about a line has changed, or about nobody knows which. */
  touched(number: number | undefined): void {
    const due = dueFor(this.#state.lines, number);
    if (due === 'newest') this.refresh();
    else if (due === 'one' && number !== undefined) void this.#add(number);
  }

  /** Whether the reader is at the end, and sees nothing of what lies far behind. */
  setAtEnd(isAtEnd: boolean): void {
    this.#isAtEnd = isAtEnd;
    if (isAtEnd) this.#show(trimmed(this.#state));
  }

  async #add(due: Due): Promise<void> {
    this.#due.add(due);
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#show({ isLoading: true });
    try {
      // A set gives what is added while it is gone through.
      for (const one of this.#due) {
        this.#due.delete(one);
        await this.#load(one);
      }
      this.#show({ isLoading: false, problem: undefined });
    } catch (error) {
      this.#due.clear();
      const text = error instanceof Error ? error.message : String(error);
      const problem = error instanceof ApiProblem ? error : new ApiProblem('internal', 0, text);
      this.#show({ isLoading: false, problem });
    } finally {
      this.#isRunning = false;
    }
  }

  async #load(due: Due): Promise<void> {
    if (due === 'newest') {
      const page = await this.#ask(PAGE_LINES);
      const fresh = withNewest(this.#state, page);
      this.#show(this.#isAtEnd ? trimmed(fresh) : fresh);
    } else if (due === 'older') {
      const page = await this.#ask(PAGE_LINES, this.#state.lines[0]?.number);
      this.#show(withOlder(this.#state, page));
    } else {
      const [found] = await this.#ask(1, due + 1);
      this.#show(withOne(this.#state, due, found?.number === due ? found : undefined));
    }
  }

  #show(part: Partial<LineState>): void {
    this.#state = { ...this.#state, ...part };
    for (const watcher of this.#watchers) watcher();
  }
}
