/**
 * The calls of the local API about filters. Before: filter-commands.ts; next: daemon-link.ts.
 */
import type { FilterStatusDto, RescanDto } from '../api/filter-dto.ts';
import type { DaemonLink } from './daemon-link.ts';

export class FilterClient {
  readonly #link: DaemonLink;

  constructor(link: DaemonLink) {
    this.#link = link;
  }

  status(): Promise<FilterStatusDto> {
    return this.#link.json('filters');
  }

  rescan(request: RescanDto): Promise<FilterStatusDto> {
    return this.#link.json('filters/rescan', { method: 'POST', json: request });
  }
}
