/**
 * When the picture is painted: once a frame while somebody can see it, once a second for those who
 * want no motion, never while its page is hidden or it is out of sight.
 * Before: dag-canvas.tsx; after: dag-painter.ts.
 */
const CALM_STEP_MS = 1_000;
/** Milliseconds that painting may take, copying apart: of a frame, of a second. */
const FRAME_BUDGET_MS = 5;
const CALM_BUDGET_MS = 100;

export class PaintLoop {
  readonly #paintFor: (budgetMs: number) => void;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #observer: IntersectionObserver;
  #isInSight = false;
  #isWanted = false;
  #frame: number | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(element: Element, paintFor: (budgetMs: number) => void) {
    this.#paintFor = paintFor;
    this.#observer = new IntersectionObserver((entries) => {
      this.#isInSight = entries.at(-1)?.isIntersecting ?? false;
      this.#update();
    });
    this.#observer.observe(element);
    document.addEventListener('visibilitychange', this.#update);
    this.#calm.addEventListener('change', this.#update);
  }

  close(): void {
    this.#isWanted = false;
    this.#halt();
    this.#observer.disconnect();
    document.removeEventListener('visibilitychange', this.#update);
    this.#calm.removeEventListener('change', this.#update);
  }

  /** Goes on, or pauses. */
  run(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.#update();
  }

  readonly #paint = (): void => {
    this.#paintFor(this.#calm.matches ? CALM_BUDGET_MS : FRAME_BUDGET_MS);
  };

  readonly #update = (): void => {
    this.#halt();
    if (!this.#isWanted || !this.#isInSight || document.hidden) return;
    this.#paint();
    // Painting may find that there is nothing more to do.
    if (!this.#isWanted) return;
    if (this.#calm.matches) this.#timer = setInterval(this.#paint, CALM_STEP_MS);
    else this.#frame = requestAnimationFrame(this.#onFrame);
  };

  readonly #onFrame = (): void => {
    this.#frame = requestAnimationFrame(this.#onFrame);
    this.#paint();
  };

  #halt(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    clearInterval(this.#timer);
    this.#frame = undefined;
    this.#timer = undefined;
  }
}
