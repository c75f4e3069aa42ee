/**
 * What the local API needs of hooks. service/hook-service.ts has it.
 * Spec: docs/spec/41-client-api.md §28.
 */
import type { AddedHookDto, HookDto, HookTestDto, NewHookDto } from './hook-dto.ts';

export interface HookService {
  hooks(): readonly HookDto[];
  /** `hooks-too-many`, `hook-commands-off`, `folder-unknown`, `recipient-unknown` …. */
  addHook(request: NewHookDto): Promise<AddedHookDto>;
  /** `hook-unknown`. */
  removeHook(id: number): Promise<void>;
  /** Tells it of nothing, now. `hook-unknown`. */
  testHook(id: number): Promise<HookTestDto>;
}
