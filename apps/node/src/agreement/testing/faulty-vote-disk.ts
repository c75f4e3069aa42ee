/**
 * A disk in memory that loses its power at any step: of what was not synced each sector may be
 * there or not. A file that is put in another's place takes the four steps of writeFileAtomically.
 */
import type { VoteDisk } from '../vote-disk.ts';

const SECTOR_SIZE = 512;

/** Decides what a cut leaves; a number in [0, bound). */
export type Chance = (bound: number) => number;

export class PowerCut extends Error {}

export class FaultyVoteDisk implements VoteDisk {
  readonly path = 'votes.log';
  /** Writes and syncs so far. */
  steps = 0;
  /** Power goes at this step, counted from 1. */
  failAt = Infinity;
  writes = 0;
  #now: Uint8Array | undefined;
  #synced: Uint8Array | undefined;
  /** A file whose name may or may not be on the disk. */
  #renamed: Uint8Array | undefined;

  constructor(content?: Uint8Array) {
    this.#now = content;
    this.#synced = content;
  }

  get content(): Uint8Array | undefined {
    return this.#now;
  }

  async read(): Promise<Uint8Array | undefined> {
    await Promise.resolve();
    return this.#now;
  }

  async append(bytes: Uint8Array, size: number): Promise<void> {
    const before = this.#now?.subarray(0, size) ?? new Uint8Array();
    await this.#step();
    this.writes += 1;
    this.#now = new Uint8Array(Buffer.concat([before, bytes]));
    await this.#step();
    this.#synced = this.#now;
  }

  async truncate(size: number): Promise<void> {
    await this.#step();
    this.#now = this.#now?.slice(0, size);
    await this.#step();
    this.#synced = this.#now;
  }

  async replace(bytes: Uint8Array): Promise<void> {
    // The temporary file: written, synced.
    await this.#step();
    await this.#step();
    this.#renamed = bytes;
    await this.#step();
    this.#now = bytes;
    await this.#step();
    this.#synced = bytes;
    this.#renamed = undefined;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The disk as it is found after the cut. */
  afterPowerCut(chance: Chance): FaultyVoteDisk {
    if (this.#renamed !== undefined) {
      return new FaultyVoteDisk(chance(2) === 0 ? this.#renamed : this.#synced);
    }
    const [synced, now] = [this.#synced ?? new Uint8Array(), this.#now ?? new Uint8Array()];
    if (this.#synced === undefined && this.#now === undefined) return new FaultyVoteDisk();
    const keepsSize = chance(2) === 0;
    const left = new Uint8Array(keepsSize ? now.length : synced.length);
    left.set(synced.subarray(0, left.length));
    for (let at = 0; at < left.length; at += SECTOR_SIZE) {
      const sector = now.subarray(at, Math.min(at + SECTOR_SIZE, left.length));
      if (chance(2) === 0) left.set(sector, at);
    }
    return new FaultyVoteDisk(left);
  }

  async #step(): Promise<void> {
    await Promise.resolve();
    this.steps += 1;
    if (this.steps >= this.failAt) throw new PowerCut('the power is gone');
  }
}
