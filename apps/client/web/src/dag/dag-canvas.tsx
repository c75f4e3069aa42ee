/**
 * The picture itself: joins canvas, painter and the loop that paints, and tells of clicks.
 * Silent for assistive programs; dag-view.tsx says in words what is chosen.
 */
import { type PointerEvent, useEffect, useRef, useState } from 'react';
import { coloursAt } from './dag-marks.ts';
import { DagPainter } from './dag-painter.ts';
import type { DagStore, Vertex } from './dag-store.ts';
import { PaintLoop } from './paint-loop.ts';

/** More would only cost memory. */
const MAX_RATIO = 3;

export interface DagCanvasProps {
  readonly store: DagStore;
  readonly windowMs: number;
  /** Time at the right end; the present time without it. */
  readonly heldMs: number | undefined;
  readonly isPaused: boolean;
  readonly chosenId: string | undefined;
  readonly ringed: ReadonlySet<string>;
  readonly nowMs: () => number;
  /** Undefined for a click beside all vertices. */
  readonly onChoose: (vertex: Vertex | undefined) => void;
}

interface Drawing {
  readonly painter: DagPainter;
  readonly loop: PaintLoop;
}

type LatestProps = Pick<DagCanvasProps, 'heldMs' | 'isPaused' | 'nowMs'>;

/** Draws on a canvas until what it gives is called. */
function startDrawing(
  canvas: HTMLCanvasElement,
  { store, windowMs, ringed }: DagCanvasProps,
  latest: { readonly current: LatestProps },
): Drawing & { readonly stop: () => void } {
  const painter = new DagPainter({ canvas, store, windowMs, ringed, colours: coloursAt(canvas) });
  const loop = new PaintLoop(canvas, (budgetMs) => {
    const { heldMs, nowMs, isPaused } = latest.current;
    painter.paint(heldMs ?? nowMs(), budgetMs);
    if (isPaused && !painter.isRepainting) loop.run(false);
  });
  const sizes = new ResizeObserver(() => {
    const ratio = Math.min(MAX_RATIO, devicePixelRatio);
    painter.resize(canvas.clientWidth, canvas.clientHeight, ratio);
    loop.run(true);
  });
  sizes.observe(canvas);
  const theme = new MutationObserver(() => {
    painter.recolour(coloursAt(canvas));
    loop.run(true);
  });
  theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  const stop = (): void => {
    sizes.disconnect();
    theme.disconnect();
    loop.close();
    painter.close();
  };
  return { painter, loop, stop };
}

export function DagCanvas(props: DagCanvasProps) {
  const { store, windowMs, heldMs, isPaused, chosenId, ringed, nowMs, onChoose } = props;
  const place = useRef<HTMLCanvasElement>(null);
  const latest = useRef<LatestProps>({ heldMs, isPaused, nowMs });
  const first = useRef(props);
  const [drawing, setDrawing] = useState<Drawing | undefined>(undefined);

  useEffect(() => {
    if (place.current === null) return undefined;
    const { stop, ...started } = startDrawing(place.current, { ...first.current, store }, latest);
    setDrawing(started);
    return stop;
  }, [store]);

  useEffect(() => {
    latest.current = { heldMs, isPaused, nowMs };
    drawing?.painter.setWindow(windowMs);
    drawing?.painter.setRinged(ringed);
    drawing?.painter.select(chosenId);
    drawing?.loop.run(true);
  }, [drawing, windowMs, heldMs, isPaused, chosenId, ringed, nowMs]);

  function onPointerUp(event: PointerEvent<HTMLCanvasElement>): void {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    onChoose(drawing?.painter.vertexAt(event.clientX - left, event.clientY - top));
  }

  return <canvas ref={place} aria-hidden className="dag-canvas" onPointerUp={onPointerUp} />;
}
