/**
 * A disk in memory whose power can be cut at any write, sync, truncation or removal. It tells what
 * has been synced from what has not: after a cut every unsynced change may be there, in part or not
 * at all, in any combination. Used by tests of segments and of the node's store.
 */
import { basename } from 'node:path';
import type { FileLayer, RandomFile } from '../file-layer.ts';

/** What a fault throws; `code` as the operating system has it. */
export class Fault extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code === 'ENOSPC' ? 'No space left on device' : 'the power is gone');
    this.code = code;
  }
}

/** Counts the changes to all disks of a machine, and breaks at one of them. */
export class Machine {
  /** Changes so far, and changes that were tried after the fault. */
  steps = 0;
  stepsAfterFault = 0;
  readonly #failAt: number;
  readonly #code: string;

  /** Fails at the change of this number, counted from 1, as a cut of the power or with a code. */
  constructor(failAt = Number.POSITIVE_INFINITY, code = 'EPOWER') {
    this.#failAt = failAt;
    this.#code = code;
  }

  get hasFailed(): boolean {
    return this.steps >= this.#failAt;
  }

  /** Called before each change; `atFault` does a part of the change that breaks. */
  step(atFault: () => void = () => undefined): void {
    if (this.hasFailed) {
      this.stepsAfterFault++;
      throw new Fault(this.#code);
    }
    this.steps++;
    if (!this.hasFailed) return;
    atFault();
    throw new Fault(this.#code);
  }
}

/** A change that no sync has covered yet. */
interface Change {
  readonly position: number;
  /** Undefined for a truncation to `position`. */
  readonly bytes: Uint8Array | undefined;
}

class DiskFile {
  /** What a reader sees. */
  now = new Uint8Array();
  /** What the disk has for sure. */
  synced = new Uint8Array();
  changes: Change[] = [];
  isNameSynced = false;

  apply(change: Change): void {
    this.now = applied(this.now, change);
    this.changes.push(change);
  }
}

/** A number in [0, bound); decides what a cut leaves. */
export type Chance = (bound: number) => number;

export class FaultyDisk implements FileLayer {
  readonly #machine: Machine;
  readonly #files = new Map<string, DiskFile>();
  /** Removed files whose removal no sync of the folder has covered. */
  readonly #removed = new Map<string, DiskFile>();
  /** Files that are open now, and the most that ever were. */
  openCount = 0;
  openMost = 0;

  constructor(machine: Machine, files: Iterable<[string, DiskFile]> = []) {
    this.#machine = machine;
    for (const [name, file] of files) this.#files.set(name, file);
  }

  makeFolder(): Promise<void> {
    return Promise.resolve();
  }

  list(): Promise<{ name: string; size: number }[]> {
    const files = Array.from(this.#files, ([name, { now }]) => ({ name, size: now.length }));
    return Promise.resolve(files);
  }

  open(path: string, create: boolean): RandomFile {
    const name = basename(path);
    if (create) {
      this.#machine.step();
      if (this.#files.has(name)) throw new Fault('EEXIST');
      this.#files.set(name, new DiskFile());
    }
    const file = this.#files.get(name);
    if (file === undefined) throw new Fault('ENOENT');
    this.openCount++;
    this.openMost = Math.max(this.openMost, this.openCount);
    return this.#handle(file);
  }

  async remove(path: string): Promise<void> {
    await Promise.resolve();
    this.#machine.step();
    const name = basename(path);
    const file = this.#files.get(name);
    if (file === undefined) throw new Fault('ENOENT');
    this.#files.delete(name);
    if (file.isNameSynced) this.#removed.set(name, file);
  }

  async syncFolder(): Promise<void> {
    await Promise.resolve();
    this.#machine.step();
    for (const file of this.#files.values()) file.isNameSynced = true;
    this.#removed.clear();
  }

  /** Overwrites bytes of a file behind everybody's back. */
  damage(name: string, offset: number, bytes: Uint8Array): void {
    this.#files.get(name)?.now.set(bytes, offset);
  }

  /** What a process finds that was killed: everything, synced or not. */
  afterKill(machine: Machine): FaultyDisk {
    return new FaultyDisk(machine, this.#files);
  }

  /** What a machine finds whose power was cut; `chance` decides about all that was not synced. */
  afterPowerCut(machine: Machine, chance: Chance): FaultyDisk {
    const survivors = new Map<string, DiskFile>();
    for (const [name, file] of this.#removed) if (chance(2) === 0) survivors.set(name, file);
    for (const [name, file] of this.#files) {
      if (file.isNameSynced || chance(2) === 0) survivors.set(name, file);
    }
    const files = Array.from(survivors, ([name, file]): [string, DiskFile] => {
      const content = remains(file, chance);
      const left = new DiskFile();
      return [name, Object.assign(left, { now: content, synced: content, isNameSynced: true })];
    });
    return new FaultyDisk(machine, files);
  }

  #handle(file: DiskFile): RandomFile {
    const machine = this.#machine;
    const readSync = (into: Uint8Array, position: number): number => {
      const part = file.now.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    };
    return {
      write: async (bytes, position) => {
        await Promise.resolve();
        const copy = Uint8Array.from(bytes);
        machine.step(() => file.apply({ position, bytes: copy.subarray(0, copy.length >>> 1) }));
        file.apply({ position, bytes: copy });
      },
      readSync,
      read: (into, position) => Promise.resolve(readSync(into, position)),
      sync: async () => {
        await Promise.resolve();
        // What a sync that failed has not brought to the disk, no later one will.
        machine.step(() => {
          file.changes = [];
        });
        for (const change of file.changes) file.synced = applied(file.synced, change);
        file.changes = [];
      },
      truncate: async (size) => {
        await Promise.resolve();
        machine.step();
        file.apply({ position: size, bytes: undefined });
      },
      close: () => {
        this.openCount--;
      },
    };
  }
}

/** The synced bytes, and of each later change all, nothing or a beginning. */
function remains(file: DiskFile, chance: Chance): Uint8Array {
  let content = file.synced;
  for (const { position, bytes } of file.changes) {
    const luck = chance(3);
    if (luck === 0) continue;
    const part = luck === 1 ? bytes?.subarray(0, chance(bytes.length + 1)) : bytes;
    content = applied(content, { position, bytes: part });
  }
  return content;
}

function applied(content: Uint8Array, { position, bytes }: Change): Uint8Array<ArrayBuffer> {
  const length = bytes ? Math.max(content.length, position + bytes.length) : position;
  const next = new Uint8Array(length);
  next.set(content.subarray(0, length));
  if (bytes) next.set(bytes, position);
  return next;
}
