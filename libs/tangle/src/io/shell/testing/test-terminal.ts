/**
 * A terminal that remembers what was written to it. Its signal comes at once, so that what runs
 * until a signal starts and stops.
 */
import type { Terminal } from '../terminal.ts';

export class TestTerminal implements Terminal {
  readonly env: Terminal['env'];
  output = '';
  errors = '';

  constructor(env: Terminal['env'] = {}) {
    this.env = env;
  }

  out(text: string): void {
    this.output += text;
  }

  err(text: string): void {
    this.errors += text;
  }

  untilSignal(): Promise<string> {
    return Promise.resolve('SIGTERM');
  }
}
