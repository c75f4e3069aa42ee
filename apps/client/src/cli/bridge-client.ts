/**
 * The calls of the local API about mail programs. Before: bridge-commands.ts; next: daemon-link.ts.
 */
import type { AddedAppPasswordDto, BridgeDto } from '../api/bridge-dto.ts';
import type { DaemonLink } from './daemon-link.ts';

export class BridgeClient {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  show(): Promise<BridgeDto> {
    return this.#link.json('bridge');
  }

  addPassword(name: string): Promise<AddedAppPasswordDto> {
    return this.#link.json('bridge/passwords', { method: 'POST', json: { name } });
  }

  async removePassword(id: string): Promise<void> {
    const path = `bridge/passwords/${encodeURIComponent(id)}`;
    await this.#link.send(path, { method: 'DELETE' });
  }
}
