/** The trace of a run: a digest over all events, so that two runs can be compared by one line. */
import { createHash } from 'node:crypto';

export class Trace {
  readonly #hash = createHash('blake2b512');
  readonly #print: ((line: string) => void) | undefined;
  #lines: string[] = [];

  /** @param print sees each line; for `--trace`. */
  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  note(line: string): void {
    this.#print?.(line);
    if (this.#lines.push(line) >= 256) this.#flush();
  }

  /** BLAKE2b-512 of all lines; call once, at the end. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    for (const line of this.#lines) this.#hash.update(`${line}\n`);
    this.#lines = [];
  }
}
