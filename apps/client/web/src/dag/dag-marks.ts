/**
 * How the vertices of the tangle are drawn: each state has a shape of its own, so that it is never
 * told by colour alone. All sizes are in pixels of the bitmap. Before: dag-painter.ts.
 */
import type { VertexState } from './dag-store.ts';

/** The drawing's colours, as the page's theme has them. */
export interface DagColours extends Readonly<Record<VertexState, string>> {
  readonly background: string;
  readonly edge: string;
  readonly past: string;
  readonly future: string;
  readonly ring: string;
}

const TOKENS: Readonly<Record<keyof DagColours, string>> = {
  background: '--dag-bg',
  edge: '--dag-edge',
  tip: '--dag-tip',
  pending: '--dag-pending',
  confirmed: '--dag-confirmed',
  milestone: '--dag-milestone',
  conflict: '--dag-conflict',
  past: '--dag-past',
  future: '--dag-future',
  ring: '--focus',
};

/** Reads the colours that hold at an element. */
export function coloursAt(element: Element): DagColours {
  const style = getComputedStyle(element);
  const entries = Object.entries(TOKENS).map(([name, token]) => {
    return [name, style.getPropertyValue(token).trim()] as const;
  });
  return Object.fromEntries(entries) as Record<keyof DagColours, string>;
}

type Pen = CanvasRenderingContext2D;
type Shape = (pen: Pen, x: number, y: number, size: number) => void;

function polygon(pen: Pen, points: readonly (readonly [number, number])[]): void {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.closePath();
  pen.fill();
}

/** `size` is about half of what a mark is wide. */
const SHAPES: Readonly<Record<VertexState, Shape>> = {
  tip: (pen, x, y, size) => {
    const half = size * 1.2;
    polygon(pen, [
      [x - half, y - half],
      [x + half, y],
      [x - half, y + half],
    ]);
  },
  pending: (pen, x, y, size) =>
    pen.fillRect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8),
  confirmed: (pen, x, y, size) => {
    pen.beginPath();
    pen.arc(x, y, size, 0, 2 * Math.PI);
    pen.fill();
  },
  milestone: (pen, x, y, size) => {
    const half = size * 1.8;
    polygon(pen, [
      [x, y - half],
      [x + half, y],
      [x, y + half],
      [x - half, y],
    ]);
  },
  conflict: (pen, x, y, size) => {
    pen.lineWidth = size * 0.7;
    pen.beginPath();
    pen.moveTo(x - size, y - size);
    pen.lineTo(x + size, y + size);
    pen.moveTo(x + size, y - size);
    pen.lineTo(x - size, y + size);
    pen.stroke();
  },
};

export function drawMark(
  pen: Pen,
  state: VertexState,
  colours: DagColours,
  at: { readonly x: number; readonly y: number; readonly size: number },
): void {
  pen.fillStyle = colours[state];
  pen.strokeStyle = colours[state];
  SHAPES[state](pen, at.x, at.y, at.size);
}

/** A ring around a mark. */
export function drawRing(pen: Pen, x: number, y: number, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.stroke();
}

/** Adds the way from a vertex to one of its parents to the pen's path. */
export function addEdge(
  pen: Pen,
  from: { readonly x: number; readonly y: number },
  to: { readonly x: number; readonly y: number },
): void {
  const middle = (from.x + to.x) / 2;
  pen.moveTo(from.x, from.y);
  pen.bezierCurveTo(middle, from.y, middle, to.y, to.x, to.y);
}
