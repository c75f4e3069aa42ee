/**
 * What every attack is: started, stopped, and able to say what it did. All of it hangs on a seed,
 * so that a run that found something can be played again. After: the attacks beside this file.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../e2e/testing/chance.ts';
import type { Target } from './target.ts';

export interface AttackOptions {
  readonly target: Target;
  /** Acts per second: blocks, packs, frames or connections, as the attack says. */
  readonly rate: number;
  readonly seed: number;
}

export interface AttackReport {
  readonly attack: string;
  readonly seed: number;
  readonly seconds: number;
  /** Acts that were carried out. */
  readonly sent: number;
  readonly bytes: number;
  /** Acts that the victim answered as good. */
  readonly accepted: number;
  /** Refusals and failures by code or message. */
  readonly refused: Readonly<Record<string, number>>;
  /** What happened besides, by name. */
  readonly events: Readonly<Record<string, number>>;
}

/** What was done up to now. */
export type AttackProgress = Pick<AttackReport, 'sent' | 'accepted' | 'events'>;

export interface Attack {
  readonly progress: AttackProgress;
  start(): Promise<void>;
  /** Ends the attack, gives back what it holds, and reports. */
  stop(): Promise<AttackReport>;
}

/** Kinds of refusals that a tally tells apart; the rest is `other`. */
const MAX_KINDS = 64;

/** Counts what an attack does. */
export class Tally {
  sent = 0;
  bytes = 0;
  accepted = 0;
  readonly refused: Record<string, number> = {};
  readonly events: Record<string, number> = {};

  refuse(code: string): void {
    count(this.refused, code);
  }

  note(event: string): void {
    count(this.events, event);
  }
}

function count(table: Record<string, number>, key: string): void {
  const known = key in table || Object.keys(table).length < MAX_KINDS;
  const name = known ? key : 'other';
  table[name] = (table[name] ?? 0) + 1;
}

/** What an unknown error is called in a tally. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : `${error.name}: ${error.message.slice(0, 60)}`;
}

const TICK_MS = 50;

/** An attack of a steady rate: what could not be done in a second is left out, not piled up. */
export abstract class PacedAttack implements Attack {
  protected readonly tally = new Tally();
  protected readonly chance: Chance;
  protected readonly target: Target;
  readonly #name: string;
  readonly #options: AttackOptions;
  readonly #ending = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #startedMs = 0;

  constructor(name: string, options: AttackOptions) {
    this.#name = name;
    this.#options = options;
    this.target = options.target;
    this.chance = new Chance(options.seed);
  }

  get progress(): AttackProgress {
    return this.tally;
  }

  protected get rate(): number {
    return this.#options.rate;
  }

  /** Aborts when the attack is to end. */
  protected get ending(): AbortSignal {
    return this.#ending.signal;
  }

  async start(): Promise<void> {
    await this.prepare();
    this.#startedMs = performance.now();
    this.#loop = this.#run();
  }

  async stop(): Promise<AttackReport> {
    this.#ending.abort();
    await this.#loop;
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    await this.finish();
    const { sent, bytes, accepted, refused, events } = this.tally;
    const { seed } = this.#options;
    return { attack: this.#name, seed, seconds, sent, bytes, accepted, refused, events };
  }

  /** Connects; a failure here ends the attack before it begins. */
  protected abstract prepare(): Promise<void>;
  /** Does `count` acts, as far as the victim lets it. */
  protected abstract act(count: number): Promise<void>;
  /** Gives back connections and timers. */
  protected abstract finish(): Promise<void>;

  async #run(): Promise<void> {
    let owed = 0;
    let lastMs = this.#startedMs;
    while (!this.ending.aborted) {
      const nowMs = performance.now();
      owed = Math.min(owed + ((nowMs - lastMs) * this.rate) / 1_000, this.rate);
      lastMs = nowMs;
      const due = Math.floor(owed);
      owed -= due;
      if (due > 0) await this.act(due).catch((error: unknown) => this.tally.refuse(codeOf(error)));
      const restMs = TICK_MS - (performance.now() - nowMs);
      if (restMs > 0) await this.pause(restMs);
      else await new Promise(setImmediate);
    }
  }

  /** Waits, but not beyond the end. */
  protected async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.ending }).catch(() => undefined);
  }
}
