/**
 * Waiting in tests for what other parts do in their own time.
 */

const LIMIT_MS = 20_000;
const LOOK_MS = 10;

/** Waits until `condition` holds, looking again every 10 ms; throws after 20 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('the condition did not come about in 20 s');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
