/**
 * Waiting in tests for what other parts do in their own time.
 *
 * No wait in a test goes without a limit: the runner gives a test up when its time is over, but
 * cannot end a loop of it. Such a loop would run on beside the tests after it, and keep the process
 * alive when all of them are done.
 */

/** Less than the 120 s of a test, so that the wait itself says what did not come about. */
const LIMIT_MS = 90_000;
const LOOK_MS = 5;
/** What lasts is looked at less often: several nodes share this process with the wait. */
const PATIENT_LOOK_MS = 50;
const PATIENT_AFTER_MS = 2_000;

/**
 * Waits until `condition` holds, looking again every 5 ms, and every 50 ms once that has lasted for
 * two seconds; throws with the condition's own text after `limitMs`. A limit costs nothing when the
 * test passes: none is given to say how fast something has to be. Whoever gives one keeps it below
 * the time of the test.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const begunMs = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - begunMs;
    if (waitedMs > limitMs) {
      const wanted = condition.toString().replaceAll(/\s+/g, ' ');
      throw new Error(`not within ${Math.round(limitMs / 1_000)} s: ${wanted}`);
    }
    const lookMs = waitedMs > PATIENT_AFTER_MS ? PATIENT_LOOK_MS : LOOK_MS;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}
