/**
 * The faults of one run, drawn from its seed: what happens to whom, and when. A schedule is a plain
 * list in the order of time, so that a failing run can be shortened to the first few of them.
 */
import { BEHAVIOURS, type Behaviour } from './byzantine.ts';
import type { LinkQuality } from './network.ts';
import type { SeededRandom } from './random.ts';

/** What a machine comes back without. */
export type Loss = 'votes' | 'all';

export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'crash'; readonly seats: readonly number[]; readonly downMs: number }
  /** One seat is cut off, and at the same moment all others lose their power. */
  | {
      readonly kind: 'blackout';
      readonly seat: number;
      readonly downMs: number;
      readonly lastsMs: number;
      /** Of these the disks are lost as well. */
      readonly wiped?: readonly number[];
    }
  | {
      readonly kind: 'partition';
      readonly side: readonly number[];
      readonly isOneWay: boolean;
      readonly lastsMs: number;
    }
  | { readonly kind: 'weather'; readonly quality: LinkQuality; readonly lastsMs: number }
  /** A clock is set; by minutes only where a fault more is tolerated, and right again later. */
  | {
      readonly kind: 'clock';
      readonly seat: number;
      readonly offsetMs: number;
      readonly isWrong: boolean;
      readonly lastsMs: number;
    }
  | { readonly kind: 'spam'; readonly seat: number; readonly count: number }
  | { readonly kind: 'double-spend'; readonly seat: number }
  | { readonly kind: 'withhold'; readonly seat: number }
  | { readonly kind: 'replay'; readonly seat: number; readonly count: number }
  /** A machine loses its votes, or all it had; only where a fault more is tolerated. */
  | { readonly kind: 'wipe'; readonly seat: number; readonly what: Loss; readonly downMs: number }
  /** Relays exchange the bodies of milestones and proposals. */
  | { readonly kind: 'garble'; readonly share: number; readonly lastsMs: number }
);

/** Everything that a seed decides beside the chance inside a run. */
export interface Plan {
  /** Behaviours of byzantine seats. */
  readonly byzantine: ReadonlyMap<number, readonly Behaviour[]>;
  /** Links while nothing else is scheduled. */
  readonly weather: LinkQuality;
  readonly offsetsMs: readonly number[];
  readonly faults: readonly Fault[];
}

export interface PlanOptions {
  readonly size: number;
  /** Byzantine seats at most; exactly as many if `isForced`. */
  readonly byzantineMax: number;
  readonly isForced: boolean;
  readonly phaseMs: number;
  /** Every few seconds all but one lose their power, and that one is cut off. */
  readonly isStormy?: boolean;
  /** All byzantine seats, as many as may be, are forgetful. */
  readonly isForgetful?: boolean;
  /** In each power cut of a storm so many seats lose their disks, whether or not that is borne. */
  readonly wiped?: number;
  /** Chance of wiped disks and of relays, apart from the rest; without it there are none. */
  readonly more?: SeededRandom;
}

/** Honest clocks differ by less than half of maxDriftMs from the true time. */
const OFFSET_MS_MAX = 1_500;

/** A clock that is wrong. */
const WRONG_MS_MAX = 600_000;

/** Draws a plan. */
export function drawPlan(random: SeededRandom, options: PlanOptions): Plan {
  const { size, phaseMs } = options;
  const byzantine = drawByzantine(random, options);
  const weather: LinkQuality = {
    lossShare: random.chance(0.5) ? random.between(0, 0.15) : 0,
    twiceShare: random.chance(0.5) ? random.between(0, 0.1) : 0,
    delayMsMax: random.pick([20, 100, 200, 400]),
  };
  const offsetsMs = Array.from({ length: size }, () =>
    Math.round(random.between(-OFFSET_MS_MAX, OFFSET_MS_MAX)),
  );
  const count = random.below(14);
  const faults =
    options.isStormy === true
      ? drawStorm(random, options)
      : Array.from({ length: count }, () => drawFault(random, options, byzantine));
  if (options.more !== undefined && options.isStormy !== true) {
    faults.push(...drawMore(options.more, options, byzantine));
  }
  const ordered = faults.toSorted((a, b) => a.atMs - b.atMs);
  return { byzantine, weather, offsetsMs, faults: ordered.filter(({ atMs }) => atMs < phaseMs) };
}

function drawByzantine(
  random: SeededRandom,
  { size, byzantineMax, isForced, isForgetful = false }: PlanOptions,
): Map<number, Behaviour[]> {
  const drawn = isForced ? 0 : random.below(byzantineMax + 1);
  const count = isForced || isForgetful ? byzantineMax : drawn;
  const seats = shuffled(random, size).slice(0, count);
  return new Map(
    seats.map((seat): [number, Behaviour[]] => {
      if (isForgetful) return [seat, ['forgetful']];
      if (isForced) return [seat, ['equivocating', 'double-voting']];
      const chosen = BEHAVIOURS.filter(() => random.chance(0.4));
      return [seat, chosen.length === 0 ? ['equivocating', 'double-voting'] : chosen];
    }),
  );
}

const STORM_MS = 2_000;

function drawStorm(random: SeededRandom, options: PlanOptions): Fault[] {
  const { size, phaseMs, wiped = 0, more } = options;
  return Array.from({ length: Math.floor(phaseMs / STORM_MS) }, (_, at) => {
    const atMs = Math.round((at + random.next()) * STORM_MS);
    const seat = random.below(size);
    const others = more === undefined ? [] : shuffled(more, size).filter((one) => one !== seat);
    const lost = { wiped: others.slice(0, wiped) };
    return { atMs, kind: 'blackout', seat, downMs: 50, lastsMs: STORM_MS, ...lost };
  });
}

/** Wiped disks and dishonest relays. */
function drawMore(
  random: SeededRandom,
  { size, phaseMs, byzantineMax }: PlanOptions,
  byzantine: ReadonlyMap<number, unknown>,
): Fault[] {
  const honest = shuffled(random, size).filter((seat) => !byzantine.has(seat));
  const seats = honest.slice(0, Math.max(0, byzantineMax - byzantine.size));
  const isWiping = random.chance(0.5);
  const wipes = (isWiping ? seats : []).map((seat): Fault => {
    const atMs = Math.round(random.between(500, phaseMs));
    const what = random.chance(0.7) ? 'all' : 'votes';
    return { atMs, kind: 'wipe', seat, what, downMs: random.between(50, 3_000) };
  });
  const relays = Array.from({ length: random.chance(0.5) ? 1 + random.below(3) : 0 }, (): Fault => {
    const atMs = Math.round(random.between(0, phaseMs));
    const share = random.between(0.05, 0.7);
    return { atMs, kind: 'garble', share, lastsMs: random.between(500, 6_000) };
  });
  return [...wipes, ...relays];
}

function drawFault(
  random: SeededRandom,
  { size, phaseMs, byzantineMax }: PlanOptions,
  byzantine: ReadonlyMap<number, unknown>,
): Fault {
  const atMs = Math.round(random.between(500, phaseMs));
  const seat = random.below(size);
  const lastsMs = Math.round(random.between(500, 6_000));
  const liar = [...byzantine.keys()][0];
  const draw = random.next();
  if (draw < 0.22) return { atMs, kind: 'crash', seats: [seat], downMs: lastsMs / 2 };
  if (draw < 0.3) {
    const seats = shuffled(random, size).slice(0, 2 + random.below(size - 1));
    return { atMs, kind: 'crash', seats, downMs: lastsMs / 2 };
  }
  if (draw < 0.37) return { atMs, kind: 'blackout', seat, downMs: lastsMs / 10, lastsMs };
  if (draw < 0.4) {
    return { atMs, kind: 'crash', seats: shuffled(random, size), downMs: lastsMs / 10 };
  }
  if (draw < 0.55) {
    const side = shuffled(random, size).slice(0, 1 + random.below(size - 1));
    return { atMs, kind: 'partition', side, isOneWay: random.chance(0.4), lastsMs };
  }
  if (draw < 0.68) {
    const quality = {
      lossShare: random.between(0, 0.6),
      twiceShare: random.between(0, 0.3),
      delayMsMax: random.pick([100, 1_000, 3_000]),
    };
    return { atMs, kind: 'weather', quality, lastsMs: lastsMs / 2 };
  }
  if (draw < 0.74) {
    const isWrong = byzantine.size < byzantineMax;
    const most = isWrong ? WRONG_MS_MAX : OFFSET_MS_MAX;
    const offsetMs = Math.round(random.between(-most, most));
    return { atMs, kind: 'clock', seat: isWrong ? 0 : seat, offsetMs, isWrong, lastsMs };
  }
  if (draw < 0.8) return { atMs, kind: 'spam', seat, count: 10 + random.below(40) };
  if (draw < 0.87) return { atMs, kind: 'replay', seat, count: 5 + random.below(15) };
  if (draw < 0.93 || liar === undefined) return { atMs, kind: 'double-spend', seat };
  return { atMs, kind: 'withhold', seat: liar };
}

function shuffled(random: SeededRandom, size: number): number[] {
  const left = Array.from({ length: size }, (_, seat) => seat);
  const order: number[] = [];
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1));
  return order;
}
