/** The time, once a second, while an element is in sight and its page is not hidden. */
import { type RefObject, useEffect, useState } from 'react';

const STEP_MS = 1_000;

export function useSecond(
  element: RefObject<Element | null>,
  nowMs: () => number = Date.now,
): number {
  const [timeMs, setTimeMs] = useState(nowMs);
  useEffect(() => {
    const { current } = element;
    if (current === null) return undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    let isInSight = false;
    const tell = (): void => setTimeMs(nowMs());
    const update = (): void => {
      clearInterval(timer);
      if (!isInSight || document.hidden) return;
      tell();
      timer = setInterval(tell, STEP_MS);
    };
    const observer = new IntersectionObserver((entries) => {
      isInSight = entries.at(-1)?.isIntersecting ?? false;
      update();
    });
    observer.observe(current);
    document.addEventListener('visibilitychange', update);
    return () => {
      clearInterval(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', update);
    };
  }, [element, nowMs]);
  return timeMs;
}
