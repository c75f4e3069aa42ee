/**
 * Hooks and what they have still to be told. An event enters the queue in the batch that delivers
 * its message, so none is lost to a crash between the two.
 * Before: message-store.ts, service/hook-service.ts; after: hook-runner.ts, store.
 * Spec: docs/spec/41-client-api.md §28.
 */
import type { FolderId } from '../messages/folder-name.ts';
import { FOLDER } from '../messages/folder-name.ts';
import type { MessageChange } from '../messages/message-change.ts';
import { counters } from '../store/collections.ts';
import { type Hook, type HookJob, hookJobs, hooks } from '../store/hook-collections.ts';
import { orderedKey, type SealedBatch, type SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';

export const MAX_HOOKS = 32;
/** Events that wait, of all hooks together. */
export const MAX_HOOK_JOBS = 10_000;
const HOOK_COUNTER = 'next-hook';
const HOOK_PREFIX = 'hook/';
const JOB_PREFIX = 'job/';
/** Folders whose mail is our own. */
const OWN_FOLDERS: ReadonlySet<FolderId> = new Set([FOLDER.Sent, FOLDER.Drafts]);

export interface HookBookDeps {
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly nowMs: () => number;
}

export class HookBook {
  readonly #deps: HookBookDeps;
  readonly #hooks = new Map<number, Hook>();
  #nextJobId = 1;
  #waiting = 0;
  /** Called inside the batch that queues an event. */
  onQueued: () => void = () => undefined;

  private constructor(deps: HookBookDeps) {
    this.#deps = deps;
  }

  static async load(deps: HookBookDeps): Promise<HookBook> {
    const book = new HookBook(deps);
    for await (const { value } of deps.store.scan(hooks, { prefix: HOOK_PREFIX })) {
      book.#hooks.set(value.id, value);
    }
    for await (const { value } of deps.store.scan(hookJobs, { prefix: JOB_PREFIX })) {
      book.#nextJobId = Math.max(book.#nextJobId, value.id + 1);
      book.#waiting += 1;
    }
    return book;
  }

  /** By number. */
  list(): Hook[] {
    return [...this.#hooks.values()].toSorted((a, b) => a.id - b.id);
  }

  get(id: number): Hook | undefined {
    return this.#hooks.get(id);
  }

  /** Adds a hook under the next number; durable when it resolves. */
  async add(facts: Omit<Hook, 'id'>): Promise<Hook> {
    const { store, writes } = this.#deps;
    return await writes.run(async () => {
      // Never used again: events of a hook that was removed may still wait.
      const id = store.get(counters, HOOK_COUNTER)?.next ?? 1;
      const hook = { ...facts, id };
      const batch = store.batch().put(counters, HOOK_COUNTER, { next: id + 1 });
      await batch.put(hooks, hookKey(id), hook).write();
      this.#hooks.set(id, hook);
      return hook;
    });
  }

  /** Forgets a hook; what it was still to be told is dropped when its turn comes. */
  async remove(id: number): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      await store.batch().del('webhook', hookKey(id)).write();
      this.#hooks.delete(id);
    });
  }

  /** Observes the mail store: puts an event for each hook that fits into the message's batch. */
  note(batch: SealedBatch, change: MessageChange): void {
    if (change.kind !== 'delivered') return;
    for (const hook of this.#hooks.values()) {
      if (!fits(hook, change)) continue;
      if (this.#waiting >= MAX_HOOK_JOBS) {
        const failed = hook.failed + 1;
        const full = { ...hook, failed, lastError: 'too many events wait' };
        batch.put(hooks, hookKey(hook.id), full);
        this.#hooks.set(hook.id, full);
        continue;
      }
      const nowMs = this.#deps.nowMs();
      const { messageKey } = change;
      const id = this.#nextJobId++;
      const eventId = this.eventIdOf(hook.id, messageKey);
      const times = { createdAtMs: nowMs, attempts: 0, nextTryAtMs: nowMs };
      const job = { id, hookId: hook.id, eventId, messageKey, ...times };
      batch.put(hookJobs, jobKey(id), job);
      this.#waiting += 1;
      this.onQueued();
    }
  }

  /** Names an event; nothing of the account can be read from it. */
  eventIdOf(hookId: number, messageKey: string): string {
    return this.#deps.store.opaque(`hook/${hookId}/${messageKey}`).slice(0, 32);
  }

  /** What waits, in the order in which it came. */
  async *jobs(): AsyncGenerator<HookJob> {
    const { store } = this.#deps;
    const next = this.#nextJobId;
    let count = 0;
    for await (const { value } of store.scan(hookJobs, { prefix: JOB_PREFIX })) {
      count += 1;
      yield value;
    }
    // Events whose batch failed were counted and are not there.
    if (next === this.#nextJobId) this.#waiting = Math.min(this.#waiting, count);
  }

  /** The event was taken, given up or is about nothing any more: it leaves the queue. */
  async finish(job: HookJob, result: 'delivered' | 'failed' | 'gone', error = ''): Promise<void> {
    await this.#update(job.hookId, (batch, hook) => {
      batch.del('webhook', jobKey(job.id));
      if (result === 'gone') return hook;
      return {
        ...hook,
        delivered: hook.delivered + (result === 'delivered' ? 1 : 0),
        failed: hook.failed + (result === 'failed' ? 1 : 0),
        lastAtMs: this.#deps.nowMs(),
        lastError: error.slice(0, 256),
      };
    });
    this.#waiting = Math.max(0, this.#waiting - 1);
  }

  /** The event is tried again. */
  async putOff(job: HookJob, nextTryAtMs: number, error: string): Promise<void> {
    await this.#update(job.hookId, (batch, hook) => {
      const attempts = job.attempts + 1;
      batch.put(hookJobs, jobKey(job.id), { ...job, attempts, nextTryAtMs });
      return { ...hook, lastAtMs: this.#deps.nowMs(), lastError: error.slice(0, 256) };
    });
  }

  async #update(hookId: number, change: (batch: SealedBatch, hook: Hook) => Hook): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(async () => {
      const batch = store.batch();
      const hook = this.#hooks.get(hookId);
      // One that was removed meanwhile is not written again, and neither is its event put off.
      const changed = hook && change(batch, hook);
      if (changed === undefined) return;
      batch.put(hooks, hookKey(hookId), changed);
      await batch.write();
      this.#hooks.set(hookId, changed);
    });
  }

  /** Takes an event out of the queue whose hook is gone. */
  async drop(job: HookJob): Promise<void> {
    const { store, writes } = this.#deps;
    await writes.run(() => store.batch().del('webhook', jobKey(job.id)).write());
    this.#waiting = Math.max(0, this.#waiting - 1);
  }
}

function fits(hook: Hook, change: Extract<MessageChange, { kind: 'delivered' }>): boolean {
  const { folderId, entry } = change;
  const isThere = hook.folder === '*' ? !OWN_FOLDERS.has(folderId) : hook.folder === folderId;
  return isThere && (hook.sender === undefined || hook.sender === entry.sender);
}

function hookKey(id: number): string {
  return `${HOOK_PREFIX}${orderedKey(id)}`;
}

function jobKey(id: number): string {
  return `${JOB_PREFIX}${orderedKey(id)}`;
}
