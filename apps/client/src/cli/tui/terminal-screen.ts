/**
 * The real screen of the interactive inbox: the terminal's second page, keys one by one, and the
 * user's editor in between. Before: tui-command.ts; after: the terminal.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emitKeypressEvents } from 'node:readline';
import { ClientError } from '../../client-error.ts';
import type { ScreenStreams } from '../terminal.ts';
import type { Screen } from './inbox-program.ts';
import { keyName, type PressedKey } from './keys.ts';
import type { Line } from './render.ts';

/** ECMA-48 sequences, and those of xterm for the second page and the cursor. */
const SECOND_PAGE = '\u001b[?1049h\u001b[?25l';
const FIRST_PAGE = '\u001b[?25h\u001b[?1049l';
const TOP_LEFT = '\u001b[H';
const TO_LINE_END = '\u001b[K';
const REVERSE = '\u001b[7m';
const PLAIN = '\u001b[0m';
const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;

/** The user's editor at work. */
interface Editing {
  readonly dir: string;
  child?: ChildProcess;
}

export class TerminalScreen implements Screen {
  readonly #streams: ScreenStreams;
  readonly #keyListeners = new Set<(key: string) => void>();
  readonly #sizeListeners = new Set<() => void>();
  readonly #editor: string;
  #shown: readonly Line[] = [];
  #editing: Editing | undefined;
  #isClosed = false;

  /** `editor` is a command line, as in $VISUAL or $EDITOR. */
  constructor(streams: ScreenStreams, editor: string) {
    this.#streams = streams;
    this.#editor = editor;
    emitKeypressEvents(streams.input);
    streams.input.on('keypress', this.#onKeypress);
    streams.output.on('resize', this.#onSize);
    this.#enter();
  }

  get rows(): number {
    return this.#streams.output.rows || DEFAULT_ROWS;
  }

  get columns(): number {
    return this.#streams.output.columns || DEFAULT_COLUMNS;
  }

  show(lines: readonly Line[]): void {
    this.#shown = lines;
    // While the editor has the screen only what is to be shown later is kept.
    if (this.#editing !== undefined) return;
    const text = lines.map(({ text: line, isBar }) => {
      const shown = isBar ? `${REVERSE}${line}${PLAIN}` : line;
      return `${shown}${TO_LINE_END}`;
    });
    this.#streams.output.write(`${TOP_LEFT}${text.join('\r\n')}`);
  }

  onKey(listener: (key: string) => void): void {
    this.#keyListeners.add(listener);
  }

  onResize(listener: () => void): void {
    this.#sizeListeners.add(listener);
  }

  /** The file lies in a folder that only the user can read, and is gone afterwards. */
  async edit(text: string): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'tanglemail-'));
    const path = join(dir, 'message.txt');
    const editing: Editing = { dir };
    try {
      await writeFile(path, text, { mode: 0o600 });
      this.#editing = editing;
      this.#leave();
      await runEditor(this.#editor, path, editing);
      return await readFile(path, 'utf8');
    } finally {
      await rm(dir, { recursive: true, force: true });
      this.#editing = undefined;
      if (!this.#isClosed) {
        this.#enter();
        this.show(this.#shown);
      }
    }
  }

  /** Gives the terminal back as it was; an editor that is still open is ended. May come twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { input, output } = this.#streams;
    input.off('keypress', this.#onKeypress);
    output.off('resize', this.#onSize);
    const editing = this.#editing;
    if (editing === undefined) {
      this.#leave();
      return;
    }
    editing.child?.kill();
    // At once, since the process may end now: nobody else is to find what was being written.
    rmSync(editing.dir, { recursive: true, force: true });
  }

  #enter(): void {
    const { input, output } = this.#streams;
    input.setRawMode(true);
    input.resume();
    output.write(SECOND_PAGE);
  }

  #leave(): void {
    const { input, output } = this.#streams;
    output.write(FIRST_PAGE);
    input.setRawMode(false);
    input.pause();
  }

  readonly #onKeypress = (_text: string | undefined, key: PressedKey): void => {
    const name = keyName(key);
    if (name !== undefined) for (const listener of this.#keyListeners) listener(name);
  };

  readonly #onSize = (): void => {
    for (const listener of this.#sizeListeners) listener();
  };
}

/** `editor` may have options, as `code --wait`; it is no shell text. */
async function runEditor(editor: string, path: string, editing: Editing): Promise<void> {
  const [program = 'vi', ...options] = editor.split(/\s+/).filter(Boolean);
  const child = spawn(program, [...options, path], { stdio: 'inherit' });
  editing.child = child;
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) => {
      reject(new ClientError('file-unusable', `the editor ${program} does not start`, { cause }));
    });
    child.on('close', resolve);
  });
  if (code !== 0)
    throw new ClientError('file-unusable', `the editor ${program} ended with ${code}`);
}
