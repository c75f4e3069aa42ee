/**
 * The calls of the local API about hooks. Before: hook-commands.ts; next: daemon-link.ts.
 */
import type { AddedHookDto, HookDto, HookTestDto } from '../api/hook-dto.ts';
import { type DaemonLink, SLOW_MS } from './daemon-link.ts';

export class HookClient {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  list(): Promise<HookDto[]> {
    return this.#link.json('hooks');
  }

  add(request: object): Promise<AddedHookDto> {
    return this.#link.json('hooks', { method: 'POST', json: request });
  }

  async remove(id: string): Promise<void> {
    await this.#link.send(`hooks/${encodeURIComponent(id)}`, { method: 'DELETE' });
  }

  test(id: string): Promise<HookTestDto> {
    const path = `hooks/${encodeURIComponent(id)}/test`;
    return this.#link.json(path, { method: 'POST', timeoutMs: SLOW_MS });
  }
}
