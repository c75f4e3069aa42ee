/**
 * Waiting in tests for what other parts do in their own time.
 *
 * No wait in a test goes without a limit: the runner gives a test up when its time is over, but
 * cannot end a loop of it. Such a loop would run on beside the tests after it, and keep the process
 * alive when all of them are done.
 */

/** Less than the 30 s of a test, so that the wait itself says what did not come about. */
const LIMIT_MS = 20_000;
const LOOK_MS = 5;
/** A wait that may be long looks less often: several nodes share this process with it. */
const PATIENT_LOOK_MS = 50;

/**
 * Waits until `condition` holds, looking again every 5 ms, and every 50 ms when it may last longer
 * than usual; throws with the condition's own text after `limitMs`. Whoever gives a limit keeps it
 * below the time of the test.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  const lookMs = limitMs > LIMIT_MS ? PATIENT_LOOK_MS : LOOK_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const wanted = condition.toString().replaceAll(/\s+/g, ' ');
      throw new Error(`not within ${Math.round(limitMs / 1_000)} s: ${wanted}`);
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
