/**
 * What a self-log means: devices, registers, sets, epochs and the order of folders. A function of
 * the operations that are held and of nothing else, so that two devices with the same operations
 * show the same. Stop before: self-log/log.ts; next: folder/folder.ts (flags and local UIDs),
 * identity/epoch.ts (secrets). Spec: docs/spec/26-self-log.md.
 */
import type { EpochLine, EpochState } from '../identity/epoch.ts';
import { MAX_EPOCH_LINES, PUBLISHED_EPOCHS } from '../identity/epoch.ts';
import { counts } from './cuts.ts';
import type { Cuts } from './cuts.ts';
import type { SelfLog } from './log.ts';
import { logCuts } from './log.ts';
import type {
  AddElement,
  DeviceAdd,
  DeviceId,
  EpochLineStart,
  Operation,
  Register,
  SetName,
  SetRegister,
} from './operation.ts';
import { compareOperations, dotKey, isKind } from './operation.ts';

const LAST_EPOCH = 0xffff_ffff;

/** A device that was not removed. */
export interface ListedDevice {
  readonly device: DeviceId;
  readonly name: Uint8Array;
  readonly key: Uint8Array;
}

/** An element of a set with the additions that hold it there; never empty, earliest first. */
export type Additions = readonly Operation<AddElement>[];

export interface SelfLogView {
  /** In the order in which they were added. */
  readonly devices: readonly ListedDevice[];
  /** Removed devices; nothing may be sealed to their keys. */
  readonly removed: Cuts;
  /** The writing that won, deletions included, by `registerKey`. */
  readonly registers: ReadonlyMap<string, Operation<SetRegister>>;
  /** By `setKey`, then by element. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, Additions>>;
  /** Undefined until a first line was written. */
  readonly epochs: EpochState | undefined;
}

/** The key of a register in `registers`. */
export function registerKey(register: Register, key: string): string {
  return `${register}/${key}`;
}

/** The key of an owner's set in `sets`. */
export function setKey(set: SetName, owner: string): string {
  return `${set}/${owner}`;
}

/** Reads a log. Its cost grows with the number of operations held. */
export function viewOf(log: SelfLog): SelfLogView {
  const cuts = logCuts(log);
  const counting = [...log.operations.values()]
    .filter((one) => counts(one, cuts))
    .toSorted(compareOperations);
  const registers = new Map<string, Operation<SetRegister>>();
  const devices: ListedDevice[] = [];
  for (const operation of counting) {
    if (isKind(operation, 'set')) {
      registers.set(registerKey(operation.body.register, operation.body.key), operation);
    }
    if (isKind(operation, 'device-add') && !cuts.has(operation.device)) {
      devices.push(listed(operation));
    }
  }
  const epochs = epochStateOf(counting);
  return { devices, removed: cuts, registers, sets: setsOf(counting), epochs };
}

function listed({ device, body }: Operation<DeviceAdd>): ListedDevice {
  return { device, name: body.name, key: body.key };
}

function setsOf(counting: readonly Operation[]): Map<string, Map<string, Operation<AddElement>[]>> {
  const removed = new Set<string>();
  for (const operation of counting) {
    if (isKind(operation, 'remove')) operation.body.dots.forEach((dot) => removed.add(dotKey(dot)));
  }
  const sets = new Map<string, Map<string, Operation<AddElement>[]>>();
  for (const operation of counting) {
    if (!isKind(operation, 'add') || removed.has(dotKey(operation))) continue;
    const { set, owner, element } = operation.body;
    const elements = sets.get(setKey(set, owner)) ?? new Map<string, Operation<AddElement>[]>();
    const additions = elements.get(element) ?? [];
    additions.push(operation);
    elements.set(element, additions);
    sets.set(setKey(set, owner), elements);
  }
  return sets;
}

/** A register's value; undefined when it was never written, or deleted. */
export function readRegister(
  view: SelfLogView,
  register: Register,
  key: string,
): Uint8Array | undefined {
  return view.registers.get(registerKey(register, key))?.body.value;
}

/** The elements of an owner's set, sorted: a message's flags, or the folders it lies in. */
export function elementsOf(view: SelfLogView, set: SetName, owner: string): string[] {
  return [...(view.sets.get(setKey(set, owner))?.keys() ?? [])].toSorted();
}

/** The additions that a removal of an element must name; empty when it is not there. */
export function additionsOf(
  view: SelfLogView,
  set: SetName,
  owner: string,
  element: string,
): Additions {
  return view.sets.get(setKey(set, owner))?.get(element) ?? [];
}

/**
 * The messages of a folder in the order that all devices agree on: by the earliest addition that
 * still holds each of them there. Local UIDs follow arrival instead, and are not shared.
 */
export function folderOrder(view: SelfLogView, folder: string): string[] {
  const held: Operation<AddElement>[] = [];
  for (const elements of view.sets.values()) {
    const first = elements.get(folder)?.[0];
    if (first?.body.set === 'folder') held.push(first);
  }
  return held.toSorted(compareOperations).map((one) => one.body.owner);
}

/** The last epoch for which letters may have been sealed to a line that newer lines superseded. */
export function lastEpochOf(line: EpochLineStart, newer: readonly EpochLineStart[]): number {
  const published = newer.map((one) => one.previousUntil);
  return Math.max(line.from + PUBLISHED_EPOCHS - 1, ...published);
}

/**
 * The newest line serves all epochs to come; older ones those for which bundles may be out, also of
 * a line that another device mixed at the same time.
 */
function epochStateOf(counting: readonly Operation[]): EpochState | undefined {
  const newestFirst = counting
    .filter((one) => isKind(one, 'epoch-line'))
    .map((one) => one.body)
    .toReversed();
  const lines = newestFirst
    .map((body, index): EpochLine => {
      const lastEpoch = index === 0 ? LAST_EPOCH : lastEpochOf(body, newestFirst.slice(0, index));
      return { epoch: body.epoch, lastEpoch, secret: body.secret };
    })
    .filter((line) => line.epoch <= line.lastEpoch);
  return lines.length === 0 ? undefined : { lines: lines.slice(0, MAX_EPOCH_LINES) };
}
