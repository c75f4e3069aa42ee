/**
 * What a user does with mails that are there, and how it is undone: moves, flags, both for any
 * number of mails. Before: use-mail-desk.tsx; after: the daemon's API.
 * Spec: docs/spec/41-client-api.md §20.
 */
import type { MovedDto } from '../../../src/api/mailbox-dto.ts';
import type { Api } from '../daemon/api.ts';

/** Mails of one call, as the API takes them. */
const CALL_IDS = 1_000;
/** Actions that can be taken back, the last one first. */
const MAX_STEPS = 20;

export type FlagChange = 'add' | 'remove';

export interface MailDeskDeps {
  readonly api: Pick<Api, 'send'>;
}

type Undo = () => Promise<void>;

export class MailDesk {
  readonly #api: MailDeskDeps['api'];
  readonly #steps: Undo[] = [];

  constructor({ api }: MailDeskDeps) {
    this.#api = api;
  }

  /** How many have moved; mails that lie there already stay. Rejects with ApiProblem. */
  async move(ids: readonly string[], folder: string): Promise<number> {
    const moved = await this.#move(ids, folder);
    if (moved.length > 0) this.#remember(() => this.#moveBack(moved));
    return moved.length;
  }

  /** Rejects with ApiProblem. */
  async flag(ids: readonly string[], flag: string, change: FlagChange): Promise<void> {
    await this.#flag(ids, flag, change);
    const back = change === 'add' ? 'remove' : 'add';
    this.#remember(() => this.#flag(ids, flag, back));
  }

  /** For good: this cannot be undone. Rejects with ApiProblem. */
  async deleteForGood(ids: readonly string[]): Promise<void> {
    for (const part of partsOf(ids)) {
      const json = { ids: part, forGood: true };
      await this.#api.send('mailbox/delete', { method: 'POST', json });
    }
  }

  /** Takes the last action back; false when there is none. Rejects with ApiProblem. */
  async undo(): Promise<boolean> {
    const step = this.#steps.pop();
    if (step === undefined) return false;
    await step();
    return true;
  }

  async #move(ids: readonly string[], folder: string): Promise<MovedDto> {
    const moved: MovedDto = [];
    for (const part of partsOf(ids)) {
      const json = { ids: part, folder };
      const answer = await this.#api.send<MovedDto>('mailbox/move', { method: 'POST', json });
      moved.push(...answer);
    }
    return moved;
  }

  async #flag(ids: readonly string[], flag: string, change: FlagChange): Promise<void> {
    for (const part of partsOf(ids)) {
      const json = { ids: part, flags: [flag], change };
      await this.#api.send('mailbox/flags', { method: 'POST', json });
    }
  }

  async #moveBack(moved: MovedDto): Promise<void> {
    const byFolder = new Map<string, string[]>();
    for (const { from, id } of moved) {
      const folder = folderIdOf(from);
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), id]);
    }
    for (const [folder, ids] of byFolder) await this.#move(ids, folder);
  }

  #remember(step: Undo): void {
    this.#steps.push(step);
    if (this.#steps.length > MAX_STEPS) this.#steps.shift();
  }
}

/** `INBOX` of `INBOX.12`. */
export function folderIdOf(mailId: string): string {
  return mailId.slice(0, mailId.lastIndexOf('.'));
}

function partsOf(ids: readonly string[]): string[][] {
  const count = Math.ceil(ids.length / CALL_IDS);
  return Array.from({ length: count }, (_, at) => ids.slice(at * CALL_IDS, (at + 1) * CALL_IDS));
}
