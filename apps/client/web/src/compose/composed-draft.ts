/**
 * The draft behind a composer. What is written is saved a moment after the last key, one save after
 * the other, under an id that the composer has drawn, so that a save which is repeated doubles
 * nothing. Sending saves first: what goes is what stood there.
 */
import type { QueuedMessageDto, SendChoicesDto } from '../../../src/api/dto.ts';
import type { DraftDto, SaveDraftDto } from '../../../src/api/mailbox-dto.ts';
import type { Api } from '../daemon/api.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { type ComposeStart, NOTHING, type Writing } from './start.ts';

/** A pause in typing after which the draft is saved. */
const SAVE_PAUSE_MS = 1_500;
const ID_LENGTH = 16;

type Attachments = NonNullable<SaveDraftDto['attachments']>;
type NewAttachment = Extract<Attachments[number], { filename: string }>;

export interface DraftState {
  readonly writing: Writing;
  readonly attachments: DraftDto['attachments'];
  /** Undefined before the first save. */
  readonly savedAtMs: number | undefined;
  /** Of the last save or look, when it failed. */
  readonly problem: ApiProblem | undefined;
  /** True while an older draft is fetched. */
  readonly isLoading: boolean;
}

export interface DraftDeps {
  readonly api: Pick<Api, 'get' | 'send'>;
  readonly nowMs: () => number;
}

export class ComposedDraft {
  readonly #deps: DraftDeps;
  readonly #id: string;
  readonly #watchers = new Set<() => void>();
  #state: DraftState;
  #last: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isChanged = false;
  /** Sent or discarded: nothing is saved any more. */
  #isOver = false;

  constructor(start: ComposeStart, deps: DraftDeps) {
    this.#deps = deps;
    this.#id = start.kind === 'draft' ? start.draftId : newDraftId();
    this.#state = {
      writing: start.kind === 'draft' ? NOTHING : start.writing,
      attachments: [],
      savedAtMs: undefined,
      problem: undefined,
      isLoading: start.kind === 'draft',
    };
    if (start.kind === 'draft') void this.#load();
  }

  readonly state = (): DraftState => this.#state;

  /** Gives what ends it. */
  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  change(part: Partial<Writing>): void {
    this.#isChanged = true;
    this.#show({ writing: { ...this.#state.writing, ...part } });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SAVE_PAUSE_MS);
  }

  /** Adds files behind those that are there. */
  async attach(files: readonly File[]): Promise<void> {
    await this.#try(async () => {
      const added = await Promise.all(files.map(attachmentOf));
      await this.#next(() => this.#save([...this.#kept(), ...added]));
    });
  }

  async detach(index: number): Promise<void> {
    await this.#try(async () => {
      await this.#next(() => this.#save(this.#kept().filter(({ keep }) => keep !== index)));
    });
  }

  /**
   * Saves what has not been saved yet. A failure stands in the state, and the next change tries
   * again.
   */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#isChanged || this.#isOver) return;
    await this.#try(() => this.#next(() => this.#save()));
  }

  /** Rejects with ApiProblem, and then the draft is still there. */
  async send(choices: SendChoicesDto): Promise<QueuedMessageDto> {
    clearTimeout(this.#timer);
    return await this.#next(async () => {
      await this.#save();
      const path = `mailbox/drafts/${this.#id}/send`;
      const queued = await this.#deps.api.send<QueuedMessageDto>(path, {
        method: 'POST',
        json: choices,
      });
      this.#isOver = true;
      return queued;
    });
  }

  /** Takes the draft away, if it was ever saved. Rejects with ApiProblem. */
  async discard(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isOver = true;
    await this.#next(async () => {
      if (this.#state.savedAtMs === undefined) return;
      await this.#deps.api.send(`mailbox/drafts/${this.#id}`, { method: 'DELETE' });
    });
  }

  async #load(): Promise<void> {
    await this.#try(async () => {
      const draft = await this.#deps.api.get<DraftDto>(`mailbox/drafts/${this.#id}`);
      const { to, cc, bcc, subject, text, inReplyTo } = draft;
      const writing = { to, cc, bcc, subject, text };
      this.#show({
        writing: inReplyTo === undefined ? writing : { ...writing, inReplyTo },
        attachments: draft.attachments,
        savedAtMs: draft.updatedAtMs,
      });
    });
    this.#show({ isLoading: false });
  }

  async #save(attachments?: Attachments): Promise<void> {
    this.#isChanged = false;
    const json = {
      ...this.#state.writing,
      id: this.#id,
      ...(attachments === undefined ? {} : { attachments }),
    };
    const path = 'mailbox/drafts';
    const draft = await this.#deps.api.send<DraftDto>(path, { method: 'POST', json });
    this.#show({
      attachments: draft.attachments,
      savedAtMs: this.#deps.nowMs(),
      problem: undefined,
    });
  }

  #kept(): { keep: number }[] {
    return this.#state.attachments.map(({ index }) => ({ keep: index }));
  }

  async #try(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#isChanged = true;
      const text = error instanceof Error ? error.message : String(error);
      const problem = error instanceof ApiProblem ? error : new ApiProblem('internal', 0, text);
      this.#show({ problem });
    }
  }

  /** One call after the other, whether the one before succeeded or not. */
  async #next<T>(call: () => Promise<T>): Promise<T> {
    const run = this.#last.then(call, call);
    this.#last = run.catch(() => {});
    return await run;
  }

  #show(part: Partial<DraftState>): void {
    this.#state = { ...this.#state, ...part };
    for (const watcher of this.#watchers) watcher();
  }
}

function newDraftId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_LENGTH));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The content of a file as the API takes it. Rejects when the file cannot be read. */
async function attachmentOf(file: File): Promise<NewAttachment> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(reader.result as string));
    reader.addEventListener('error', () => reject(reader.error ?? new Error(file.name)));
    reader.readAsDataURL(file);
  });
  const contentBase64 = url.slice(url.indexOf(',') + 1);
  const { name: filename, type } = file;
  return type === '' ? { filename, contentBase64 } : { filename, contentType: type, contentBase64 };
}
