/**
 * Tells hooks of new mail: each event until its receiver has taken it, one at a time for each hook,
 * with growing pauses. At least once: a crash between the receiver's answer and our note of it
 * makes one come twice, under the same id.
 * Before: client.ts, hook-book.ts; after: post-event.ts, run-command.ts.
 * Spec: docs/spec/41-client-api.md §28.
 */
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import { parseMessage } from '@tanglemail/mail/io/parse.ts';
import type { MessageSummaryDto } from '../api/dto.ts';
import type { ListedMail } from '../messages/listed-mail.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { pause } from '../pause.ts';
import type { Hook, HookJob } from '../store/hook-collections.ts';
import type { HookBook } from './hook-book.ts';
import { type HookOutcome, postEvent } from './post-event.ts';
import { runCommand } from './run-command.ts';

export interface HookRunnerDeps {
  readonly book: HookBook;
  readonly messages: Pick<MessageStore, 'find' | 'rawOf'>;
  readonly summaryOf: (mail: ListedMail) => MessageSummaryDto;
  readonly nowMs: () => number;
  /** What commands may get variables from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** A hook's event as it is sent, before it is JSON. */
interface EventBody {
  readonly id: string;
  readonly type: 'mail' | 'test';
  readonly hookId: number;
  readonly createdAtMs: number;
  readonly message?: MessageSummaryDto & { readonly text?: string };
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 3_600_000;
/** After that, or so many attempts, an event is given up. */
const GIVE_UP_MS = 72 * 3_600_000;
const MAX_ATTEMPTS = 100;
/** Hooks that are told at the same time. */
const MAX_AT_ONCE = 8;
/** A batch with an event reaches the disk after its observer was called. */
const SETTLE_MS = 200;
const SETTLE_LOOKS = 25;
/** Looks at the queue while nothing is known to be due. */
const LOOK_MS = 60_000;
/** Characters of a message's text that go with an event. */
const MAX_TEXT = 262_144;

export class HookRunner {
  readonly #deps: HookRunnerDeps;
  readonly #abort = new AbortController();
  #wake: () => void = () => undefined;
  #looksLeft = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(deps: HookRunnerDeps) {
    this.#deps = deps;
    deps.book.onQueued = () => {
      this.#looksLeft = SETTLE_LOOKS;
      this.#wake();
    };
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Ends what is under way; it is told again at the next start. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  /** Tells a hook of nothing, now, and gives what became of it. */
  async test(hook: Hook): Promise<HookOutcome> {
    const createdAtMs = this.#deps.nowMs();
    const id = this.#deps.book.eventIdOf(hook.id, `test/${createdAtMs}`);
    const body: EventBody = { id, type: 'test', hookId: hook.id, createdAtMs };
    return await this.#tell(hook, body, new Uint8Array());
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      let dueInMs = LOOK_MS;
      try {
        dueInMs = await this.#round();
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.logger.warn(errorFields(error), 'hooks could not be told');
      }
      // What was queued a moment ago may not be on the disk yet.
      const isSettling = this.#looksLeft > 0;
      if (isSettling) this.#looksLeft -= 1;
      const restMs = isSettling ? Math.min(dueInMs, SETTLE_MS) : dueInMs;
      await pause(restMs, signal, (wake) => {
        this.#wake = wake;
      });
    }
  }

  /** Tells each hook what is due, up to the first that fails; gives the time until the next one. */
  async #round(): Promise<number> {
    const { book, nowMs } = this.#deps;
    const due = new Map<number, HookJob[]>();
    let next = Number.POSITIVE_INFINITY;
    for await (const job of book.jobs()) {
      if (book.get(job.hookId) === undefined) await book.drop(job);
      else if (job.nextTryAtMs > nowMs()) next = Math.min(next, job.nextTryAtMs);
      else pushTo(due, job);
    }
    const queues = [...due.values()];
    const workers = Array.from({ length: Math.min(MAX_AT_ONCE, queues.length) }, async () => {
      for (;;) {
        const queue = queues.shift();
        if (queue === undefined) return;
        if (!(await this.#drain(queue))) next = Math.min(next, nowMs() + FIRST_RETRY_MS);
      }
    });
    await Promise.all(workers);
    return Math.min(LOOK_MS, Math.max(FIRST_RETRY_MS / 10, next - nowMs()));
  }

  /** False when one of them was not taken; those behind it wait for the next round. */
  async #drain(queue: readonly HookJob[]): Promise<boolean> {
    const { book } = this.#deps;
    for (const job of queue) {
      if (this.#abort.signal.aborted) return true;
      const hook = book.get(job.hookId);
      if (hook === undefined) return true;
      if (!(await this.#deliver(hook, job))) return false;
    }
    return true;
  }

  async #deliver(hook: Hook, job: HookJob): Promise<boolean> {
    const { book, messages, nowMs } = this.#deps;
    const [mail] = messages.find(job.messageKey);
    const raw = mail && messages.rawOf(mail.entry.emailId);
    if (mail === undefined || raw === undefined) {
      await book.finish(job, 'gone');
      return true;
    }
    const { eventId: id, createdAtMs } = job;
    const message = { ...this.#deps.summaryOf(mail), ...(await textOf(hook, raw)) };
    const body: EventBody = { id, type: 'mail', hookId: hook.id, createdAtMs, message };
    const { isTaken, detail } = await this.#tell(hook, body, raw);
    if (this.#abort.signal.aborted && !isTaken) return false;
    if (isTaken) {
      await book.finish(job, 'delivered');
      return true;
    }
    const attempts = job.attempts + 1;
    const isOver = attempts >= MAX_ATTEMPTS || nowMs() - createdAtMs > GIVE_UP_MS;
    if (isOver) await book.finish(job, 'failed', detail);
    else await book.putOff(job, nowMs() + retryMs(attempts), detail);
    return false;
  }

  async #tell(hook: Hook, body: EventBody, raw: Uint8Array): Promise<HookOutcome> {
    const { environment, nowMs } = this.#deps;
    const { signal } = this.#abort;
    const { target, secret, timeoutMs } = hook;
    if (target.kind === 'url') {
      const posted = { url: target.url, eventId: body.id, secret, timeoutMs };
      return await postEvent({ ...posted, body: JSON.stringify(body) }, nowMs(), signal);
    }
    const { message } = body;
    const facts = {
      TANGLEMAIL_EVENT: body.type,
      TANGLEMAIL_EVENT_ID: body.id,
      TANGLEMAIL_MESSAGE_ID: message?.id ?? '',
      TANGLEMAIL_FOLDER: message?.folder ?? '',
      TANGLEMAIL_FROM: message?.from.address ?? '',
    };
    const command = { argv: target.argv, facts, input: raw, timeoutMs };
    return await runCommand(command, environment, signal);
  }
}

function retryMs(attempts: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
}

function pushTo(due: Map<number, HookJob[]>, job: HookJob): void {
  const known = due.get(job.hookId);
  if (known === undefined) due.set(job.hookId, [job]);
  else known.push(job);
}

/** The message's text where the hook asks for it; a message that cannot be read has none. */
async function textOf(hook: Hook, raw: Uint8Array): Promise<{ readonly text?: string }> {
  if (!hook.withText || hook.target.kind !== 'url') return {};
  try {
    return { text: (await parseMessage(raw)).text.slice(0, MAX_TEXT) };
  } catch {
    return { text: '' };
  }
}
