/**
 * Draws the tangle on a canvas. Since x is time and the lane comes from the id, a vertex never
 * moves: it is painted once, on layers wider than the view, and a frame copies the part in view.
 * There are three layers: edges, the cones of the chosen vertex, marks. Only a change of state
 * repaints anything, and then a disc of marks. What costs more than a frame's time, such as all of
 * ten minutes after a change of size or theme, is spread over frames, newest first.
 * Before: dag-store.ts; after: dag-canvas.tsx.
 */
import { addEdge, type DagColours, drawMark, drawRing } from './dag-marks.ts';
import { type DagStore, type Direction, MAX_CONE, type Vertex } from './dag-store.ts';

/** Pixels of the page that a mark with its ring keeps within, from its middle. */
const DISC_RADIUS = 8;
/** Half of a mark, in pixels of the page. */
const MARK_SIZE = 3.2;
/** In a longer window marks are smaller. */
const LONG_WINDOW_MS = 120_000;
const SMALL_MARK = 0.7;
/** Free room above, below and at the right of the drawing. */
const PADDING = 16;
/** How near a click must be. */
const HIT_RADIUS = 14;
/** A layer is so many times as wide as the view. */
const LAYER_WIDTHS = 1.5;
/** Edges that one stroke draws. */
const EDGES_PER_STROKE = 64;
/** More changes than this that wait are answered by painting anew. */
const MAX_WAITING = 4_000;
/** Milliseconds that a repaint takes from the store at once. */
const REPAINT_STEP_MS = 1_000;
const DIMMED = 0.35;

/** A chosen vertex with its cones; the future grows. */
interface Selection {
  readonly id: string;
  readonly past: ReadonlySet<string>;
  readonly future: Set<string>;
}

export interface DagPainterOptions {
  readonly canvas: HTMLCanvasElement;
  readonly store: DagStore;
  readonly colours: DagColours;
  readonly windowMs: number;
  /** Vertices with a ring: the user's own. */
  readonly ringed?: ReadonlySet<string>;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

type Pen = CanvasRenderingContext2D;

function penOf(canvas: HTMLCanvasElement, isOpaque = false): Pen {
  const pen = canvas.getContext('2d', { alpha: !isOpaque });
  if (pen === null) throw new Error('broken invariant: every browser draws in two dimensions');
  return pen;
}

export class DagPainter {
  readonly #store: DagStore;
  readonly #view: Pen;
  readonly #edges = penOf(document.createElement('canvas'));
  readonly #cones = penOf(document.createElement('canvas'));
  readonly #marks = penOf(document.createElement('canvas'));
  readonly #stop: () => void;
  readonly #changed = new Set<Vertex>();
  #added: Vertex[] = [];
  #ringed: ReadonlySet<string>;
  #colours: DagColours;
  #selection: Selection | undefined;
  #windowMs: number;
  /** Device pixels for one of the page. */
  #ratio = 1;
  /** Time at the left end of the layers, and at the right end of the view. */
  #leftMs = 0;
  #rightMs = 0;
  /** What is left of painting anew. */
  #repaint: Iterator<Vertex, undefined> | undefined;
  #isStale = true;
  #areConesStale = true;
  /** The offset of the last frame, while nothing has been painted since. */
  #shownAt: number | undefined;

  constructor({ canvas, store, colours, windowMs, ringed = new Set() }: DagPainterOptions) {
    this.#store = store;
    this.#view = penOf(canvas, true);
    this.#colours = colours;
    this.#windowMs = windowMs;
    this.#ringed = ringed;
    this.#stop = store.listen({
      onAdded: (vertex) => this.#wait(() => this.#added.push(vertex)),
      onChanged: (vertex) => this.#wait(() => this.#changed.add(vertex)),
    });
  }

  close(): void {
    this.#stop();
  }

  /** Size of the view in pixels of the page. */
  resize(width: number, height: number, ratio: number): void {
    const [wide, high] = [Math.max(1, Math.round(width * ratio)), Math.round(height * ratio)];
    const { canvas } = this.#view;
    if (canvas.width === wide && canvas.height === high && this.#ratio === ratio) return;
    this.#ratio = ratio;
    canvas.width = wide;
    for (const pen of [this.#edges, this.#cones, this.#marks]) {
      pen.canvas.width = Math.ceil(wide * LAYER_WIDTHS);
    }
    for (const pen of [this.#view, this.#edges, this.#cones, this.#marks]) {
      pen.canvas.height = Math.max(1, high);
    }
    this.#isStale = true;
  }

  recolour(colours: DagColours): void {
    this.#colours = colours;
    this.#isStale = true;
  }

  setWindow(windowMs: number): void {
    this.#isStale ||= windowMs !== this.#windowMs;
    this.#windowMs = windowMs;
  }

  setRinged(ringed: ReadonlySet<string>): void {
    this.#isStale ||= ringed !== this.#ringed;
    this.#ringed = ringed;
  }

  /** Shows the cones of a vertex; of none without an id. */
  select(id: string | undefined): void {
    if (id === this.#selection?.id) return;
    const [past, future] = (['past', 'future'] as const).map((direction) =>
      this.#store.cone(id ?? '', direction),
    );
    this.#selection = id && past && future ? { id, past, future } : undefined;
    this.#areConesStale = true;
    this.#shownAt = undefined;
  }

  /** Whether painting anew takes longer than the last frame had time for. */
  get isRepainting(): boolean {
    return this.#repaint !== undefined;
  }

  /**
   * One frame, with `rightMs` at the right end of the view. Painting stops after `budgetMs`, and
   * goes on with the next frame.
   */
  paint(rightMs: number, budgetMs: number): void {
    this.#rightMs = rightMs;
    this.#moveLayers();
    const endMs = performance.now() + budgetMs;
    this.#paintAdded(endMs);
    this.#paintChanged(endMs);
    this.#paintAnew(endMs);
    if (this.#areConesStale) this.#paintCones();
    this.#show();
  }

  /** The vertex nearest to a point of the view, in pixels of the page. */
  vertexAt(x: number, y: number): Vertex | undefined {
    const at = { x: x * this.#ratio + this.#offset, y: y * this.#ratio };
    const radius = HIT_RADIUS * this.#ratio;
    let [found, least]: [Vertex | undefined, number] = [undefined, radius];
    for (const vertex of this.#around(at.x, radius)) {
      const point = this.#pointOf(vertex);
      const distance = Math.hypot(point.x - at.x, point.y - at.y);
      if (distance <= least) [found, least] = [vertex, distance];
    }
    return found;
  }

  get #pixelsPerMs(): number {
    return this.#view.canvas.width / this.#windowMs;
  }

  /** Time at the left end of the view. */
  get #fromMs(): number {
    return this.#rightMs + (PADDING * this.#ratio) / this.#pixelsPerMs - this.#windowMs;
  }

  /** Pixels of the layers that are left of the view. */
  get #offset(): number {
    return Math.round((this.#fromMs - this.#leftMs) * this.#pixelsPerMs);
  }

  /** Nothing is painted beyond: a mark would be cut in two. */
  get #layerEndMs(): number {
    const { width } = this.#edges.canvas;
    return this.#leftMs + (width - DISC_RADIUS * this.#ratio) / this.#pixelsPerMs;
  }

  #wait(note: () => void): void {
    if (this.#isStale) return;
    note();
    if (this.#added.length + this.#changed.size > MAX_WAITING) this.#isStale = true;
  }

  #pointOf({ atMs, lane }: Vertex): Point {
    const room = this.#view.canvas.height - 2 * PADDING * this.#ratio;
    return {
      x: (atMs - this.#leftMs) * this.#pixelsPerMs,
      y: PADDING * this.#ratio + lane * room,
    };
  }

  #around(x: number, radius: number): Iterable<Vertex> {
    const [ms, spanMs] = [this.#leftMs + x / this.#pixelsPerMs, radius / this.#pixelsPerMs];
    return this.#store.between(ms - spanMs, ms + spanMs);
  }

  /** Brings the view within the layers: by copying them while they overlap, else by painting. */
  #moveLayers(): void {
    const { width } = this.#view.canvas;
    const offset = this.#offset;
    const spare = this.#edges.canvas.width - width;
    if (!this.#isStale && offset >= 0 && offset <= spare - DISC_RADIUS * this.#ratio) return;
    if (this.#isStale || offset < 0 || offset >= this.#edges.canvas.width) {
      this.#startAnew();
      return;
    }
    const oldEndMs = this.#layerEndMs;
    for (const pen of [this.#edges, this.#marks]) {
      pen.globalCompositeOperation = 'copy';
      pen.drawImage(pen.canvas, -offset, 0);
      pen.globalCompositeOperation = 'source-over';
    }
    this.#leftMs += offset / this.#pixelsPerMs;
    this.#areConesStale = true;
    this.#shownAt = undefined;
    this.#added = [
      ...new Set([...this.#added, ...this.#store.between(oldEndMs, this.#layerEndMs)]),
    ];
  }

  /** Clears the layers and paints all that is in them, newest first. */
  #startAnew(): void {
    for (const pen of [this.#edges, this.#marks]) {
      pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
    }
    this.#isStale = false;
    this.#areConesStale = true;
    this.#shownAt = undefined;
    this.#added = [];
    this.#changed.clear();
    this.#leftMs = this.#fromMs;
    this.#repaint = this.#newestFirst(this.#layerEndMs);
  }

  *#newestFirst(endMs: number): Generator<Vertex, undefined> {
    const firstMs = this.#leftMs - (DISC_RADIUS * this.#ratio) / this.#pixelsPerMs;
    const last = this.#store.newest(1)[0];
    if (last === undefined) return undefined;
    let toMs = Math.floor(Math.min(endMs, Math.max(last.atMs, this.#rightMs)));
    for (; toMs >= firstMs; toMs -= REPAINT_STEP_MS) {
      for (const vertex of this.#store.between(toMs - REPAINT_STEP_MS + 1, toMs)) {
        // What comes from now on is painted as it comes.
        if (vertex.order <= last.order) yield vertex;
      }
    }
    return undefined;
  }

  #paintAdded(endMs: number): void {
    let done = 0;
    while (done < this.#added.length && (done === 0 || performance.now() < endMs)) {
      const some = this.#added.slice(done, done + EDGES_PER_STROKE);
      done += some.length;
      this.#paintVertices(some, true);
    }
    this.#added.splice(0, done);
  }

  #paintAnew(endMs: number): void {
    while (this.#repaint !== undefined && performance.now() < endMs) {
      const some: Vertex[] = [];
      while (some.length < EDGES_PER_STROKE) {
        const { done, value } = this.#repaint.next();
        if (done === true) {
          this.#repaint = undefined;
          break;
        }
        some.push(value);
      }
      this.#paintVertices(some, false);
    }
  }

  /** Edges to parents, and to children for one that came after them; marks above. */
  #paintVertices(vertices: readonly Vertex[], withChildren: boolean): void {
    const seen = vertices.filter(({ atMs }) => atMs <= this.#layerEndMs);
    if (seen.length === 0) return;
    this.#shownAt = undefined;
    const pen = this.#edges;
    pen.strokeStyle = this.#colours.edge;
    pen.lineWidth = this.#ratio;
    pen.beginPath();
    for (const vertex of seen) {
      this.#addEdges(pen, vertex, vertex.parents);
      if (withChildren) this.#addEdges(pen, vertex, vertex.children);
    }
    pen.stroke();
    for (const vertex of seen) this.#drawMark(vertex);
    if (withChildren) this.#growFuture(seen);
  }

  /** What stands on the chosen vertex is added to its future, and painted alone. */
  #growFuture(vertices: readonly Vertex[]): void {
    if (this.#selection === undefined) return;
    const { future } = this.#selection;
    for (const { id, parents } of vertices) {
      if (future.size >= MAX_CONE || future.has(id)) continue;
      const known = parents.filter((parent) => future.has(parent));
      if (known.length === 0) continue;
      future.add(id);
      const joined = new Set([id, ...known]);
      this.#paintCone(joined, 'future', (one) => (one.id === id ? known : []));
    }
  }

  #addEdges(pen: Pen, vertex: Vertex, others: Iterable<string>): void {
    const from = this.#pointOf(vertex);
    for (const id of others) {
      const other = this.#store.get(id);
      if (other !== undefined) addEdge(pen, from, this.#pointOf(other));
    }
  }

  #drawMark(vertex: Vertex): void {
    const small = this.#windowMs > LONG_WINDOW_MS ? SMALL_MARK : 1;
    const size = MARK_SIZE * this.#ratio * small;
    const { x, y } = this.#pointOf(vertex);
    drawMark(this.#marks, vertex.state, this.#colours, { x, y, size });
    if (!this.#ringed.has(vertex.id)) return;
    this.#marks.strokeStyle = this.#colours.ring;
    this.#marks.lineWidth = this.#ratio;
    drawRing(this.#marks, x, y, (DISC_RADIUS - 1) * this.#ratio);
  }

  /** A new state: clears a disc of the marks and paints what is seen in it. */
  #paintChanged(endMs: number): void {
    const radius = DISC_RADIUS * this.#ratio;
    let isFirst = true;
    for (const vertex of this.#changed) {
      if (!isFirst && performance.now() >= endMs) return;
      isFirst = false;
      this.#changed.delete(vertex);
      const { x, y } = this.#pointOf(vertex);
      if (x < -radius || vertex.atMs > this.#layerEndMs) continue;
      this.#shownAt = undefined;
      const pen = this.#marks;
      pen.save();
      pen.beginPath();
      pen.arc(x, y, radius, 0, 2 * Math.PI);
      pen.clip();
      pen.clearRect(x - radius, y - radius, 2 * radius, 2 * radius);
      for (const near of this.#around(x, 2 * radius)) {
        if (Math.abs(this.#pointOf(near).y - y) < 2 * radius) this.#drawMark(near);
      }
      pen.restore();
    }
  }

  /** The chosen vertex's cones: the past in whole lines, the future in dashes, members ringed. */
  #paintCones(): void {
    this.#areConesStale = false;
    this.#shownAt = undefined;
    const pen = this.#cones;
    pen.clearRect(0, 0, pen.canvas.width, pen.canvas.height);
    if (this.#selection === undefined) return;
    const { id, past, future } = this.#selection;
    this.#paintCone(past, 'past', (member) => member.parents);
    this.#paintCone(future, 'future', (member) => member.children);
    const chosen = this.#store.get(id);
    if (chosen === undefined) return;
    const { x, y } = this.#pointOf(chosen);
    pen.strokeStyle = this.#colours.ring;
    pen.lineWidth = 2 * this.#ratio;
    drawRing(pen, x, y, 1.4 * DISC_RADIUS * this.#ratio);
  }

  #paintCone(
    cone: ReadonlySet<string>,
    direction: Direction,
    next: (vertex: Vertex) => Iterable<string>,
  ): void {
    const pen = this.#cones;
    pen.strokeStyle = this.#colours[direction];
    pen.lineWidth = this.#ratio;
    pen.setLineDash(direction === 'past' ? [] : [4 * this.#ratio, 3 * this.#ratio]);
    const members = [...cone].flatMap((id) => this.#store.get(id) ?? []);
    for (let at = 0; at < members.length; at += EDGES_PER_STROKE) {
      pen.beginPath();
      for (const member of members.slice(at, at + EDGES_PER_STROKE)) {
        const within = [...next(member)].filter((id) => cone.has(id));
        this.#addEdges(pen, member, within);
        const { x, y } = this.#pointOf(member);
        const radius = 0.75 * DISC_RADIUS * this.#ratio;
        pen.moveTo(x + radius, y);
        pen.arc(x, y, radius, 0, 2 * Math.PI);
      }
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  /** Copies the part in view, unless it is already there. */
  #show(): void {
    const offset = this.#offset;
    if (this.#shownAt === offset) return;
    this.#shownAt = offset;
    const pen = this.#view;
    const { width, height } = pen.canvas;
    pen.fillStyle = this.#colours.background;
    pen.fillRect(0, 0, width, height);
    const copy = ({ canvas }: Pen): void =>
      pen.drawImage(canvas, offset, 0, width, height, 0, 0, width, height);
    pen.globalAlpha = this.#selection === undefined ? 1 : DIMMED;
    copy(this.#edges);
    pen.globalAlpha = 1;
    if (this.#selection !== undefined) copy(this.#cones);
    copy(this.#marks);
  }
}
