/**
 * What the local API needs of the search for mail by filters. service/filter-service.ts has it.
 * Spec: docs/spec/41-client-api.md §27.
 */
import type { FilterStatusDto, RescanDto } from './filter-dto.ts';

export interface FilterService {
  filterStatus(): FilterStatusDto;
  /** Reads filters again from a milestone on, in the background. `filters-off`. */
  rescan(request: RescanDto): Promise<FilterStatusDto>;
}
