/** Why a mail waits, in a code and a sentence. Before: outbox.ts. After: its entry's `error`. */
export function factsOf(error: unknown): { code: string; detail: string } {
  const message = error instanceof Error ? error.message : 'unknown failure';
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof Error && error.name === 'NodeUnreachableError') {
    return { code: 'node-unreachable', detail: message };
  }
  return { code: typeof code === 'string' ? code : 'failed', detail: message };
}
