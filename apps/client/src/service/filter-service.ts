/**
 * What the local API shows and asks of the search for mail by filters.
 * Before: api/filters.controller.ts; after: filters/filter-scan.ts.
 */
import type { FilterStatusDto, RescanDto } from '../api/filter-dto.ts';
import type { FilterService } from '../api/filter-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { FilterMemory } from '../filters/filter-memory.ts';

export class FilterSearch implements FilterService {
  readonly #scan: ClientParts['filterScan'];

  constructor({ filterScan }: Pick<ClientParts, 'filterScan'>) {
    this.#scan = filterScan;
  }

  filterStatus(): FilterStatusDto {
    const known = this.#scan?.position;
    const { header: _, next, caughtUpAt, comparedTo, ...counts } = known ?? FilterMemory.at(0);
    return {
      isEnabled: this.#scan !== undefined,
      nodes: (this.#scan?.nodes ?? []).map(({ url, liar }) =>
        liar === undefined
          ? { url, isTrusted: true }
          : { url, isTrusted: false, reason: liar.reason, milestoneIndex: liar.milestoneIndex },
      ),
      next: known === undefined ? null : next,
      caughtUpAt: caughtUpAt === 0 ? null : caughtUpAt,
      comparedTo: comparedTo === 0 ? null : comparedTo,
      ...counts,
    };
  }

  async rescan({ from }: RescanDto): Promise<FilterStatusDto> {
    if (this.#scan === undefined) throw new ClientError('filters-off');
    await this.#scan.rescan(from ?? 0);
    return this.filterStatus();
  }
}
