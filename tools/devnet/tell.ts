/**
 * Tells a person what happens: one line per step with the time since the start, a mark, who did it
 * and what was found. On a terminal the step under way is shown too, and marks have colours unless
 * NO_COLOR is set.
 */

/** Where lines go; `process.stdout` satisfies it. */
export interface Screen {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

type Mark = '✓' | '✗' | '·';

const COLOURS: Readonly<Record<Mark, number>> = { '✓': 32, '✗': 31, '·': 90 };
const CLEAR_LINE = '\r\u001B[K';
const SUBJECT_WIDTH = 9;

export class Teller {
  readonly #screen: Screen;
  readonly #startedMs: number;
  readonly #hasColours: boolean;
  #isMuted = false;

  constructor(screen: Screen, options: { noColor?: boolean } = {}) {
    this.#screen = screen;
    this.#startedMs = performance.now();
    this.#hasColours = screen.isTTY === true && options.noColor !== true;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (performance.now() - this.#startedMs) / 1_000;
  }

  /**
   * Does `work` and tells its result: the text that it resolves with. A failure is told with a
   * cross and thrown on.
   */
  async step(subject: string, doing: string, work: () => Promise<string>): Promise<void> {
    if (this.#screen.isTTY && !this.#isMuted)
      this.#screen.write(this.#line('·', subject, `${doing} …`));
    try {
      const text = await work();
      this.#finish('✓', subject, text);
    } catch (error) {
      this.#finish('✗', subject, `${doing}: ${reasonOf(error)}`);
      throw error;
    }
  }

  /** A fact that took no time of its own. */
  fact(subject: string, text: string): void {
    this.#finish('✓', subject, text);
  }

  /** Something that went wrong without ending anything. */
  warn(subject: string, text: string): void {
    this.#finish('✗', subject, text);
  }

  /** Tells no more steps: what they wait for is being stopped. */
  mute(): void {
    this.#isMuted = true;
  }

  /** Text as it stands, with a line end. */
  text(text: string): void {
    this.#screen.write(`${text}\n`);
  }

  #finish(mark: Mark, subject: string, text: string): void {
    if (this.#isMuted) return;
    const clear = this.#screen.isTTY ? CLEAR_LINE : '';
    this.#screen.write(`${clear}${this.#line(mark, subject, text)}\n`);
  }

  #line(mark: Mark, subject: string, text: string): string {
    const time = `${this.seconds.toFixed(1).padStart(6)} s`;
    const shown = this.#hasColours ? `\u001B[${COLOURS[mark]}m${mark}\u001B[0m` : mark;
    return `${time}  ${shown} ${subject.padEnd(SUBJECT_WIDTH)} ${text}`;
  }
}

/** What went wrong, in words. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
