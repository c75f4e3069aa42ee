/**
 * The view of a log that goes along with its changes: an operation costs what it touches, not what
 * the log holds. Whatever changes what other operations count (removed devices, epoch lines) is
 * read anew. Stop before: self-log/log.ts; next: as self-log/view.ts.
 * Spec: docs/spec/26-self-log.md, section "What a log means".
 */
import { counts } from './cuts.ts';
import type { SelfLog, SelfLogDiff } from './log.ts';
import type { AddElement, DeviceId, Operation, Seen } from './operation.ts';
import { compareOperations, dotKey, isKind } from './operation.ts';
import type { SelfLogView } from './view.ts';
import { registerKey, setKey, viewOf } from './view.ts';

type Mutable<T> = T extends ReadonlyMap<infer K, infer V> ? Map<K, V> : never;

/** A view that `followLog` changes. */
export interface LiveView extends SelfLogView {
  readonly registers: Mutable<SelfLogView['registers']>;
  readonly sets: Map<string, Map<string, Operation<AddElement>[]>>;
  /** Additions that removals name, by dot: one may come after what takes it back. */
  readonly takenBack: Set<string>;
  /** By device, the last time that it said what it had seen. */
  readonly said: Map<DeviceId, Operation<Seen>>;
}

/** Reads a log. Its cost grows with the number of operations held. */
export function liveViewOf(log: SelfLog): LiveView {
  const view = viewOf(log);
  const sets = new Map<string, Map<string, Operation<AddElement>[]>>();
  for (const [owner, elements] of view.sets) {
    sets.set(owner, new Map([...elements].map(([element, held]) => [element, [...held]])));
  }
  const registers = new Map(view.registers);
  const live: LiveView = { ...view, registers, sets, takenBack: new Set(), said: new Map() };
  for (const operation of log.operations.values()) {
    if (!counts(operation, view.removed)) continue;
    if (isKind(operation, 'remove')) {
      operation.body.dots.forEach((dot) => live.takenBack.add(dotKey(dot)));
    }
    if (isKind(operation, 'seen')) noteSeen(live, operation);
  }
  return live;
}

/** The view after a diff was applied to its log: the same one, changed, or a new one. */
export function followLog(view: LiveView, log: SelfLog, diff: SelfLogDiff): LiveView {
  const { take, drop, replace } = diff;
  const isFarReaching = [...take, ...drop, ...replace].some(
    (one) => one.body.kind.startsWith('device-') || one.body.kind === 'epoch-line',
  );
  if (isFarReaching) return liveViewOf(log);
  for (const operation of take) {
    if (counts(operation, view.removed)) takeIntoView(view, log, operation);
  }
  // What is dropped had no effect any more; nothing that it names can come again.
  for (const operation of drop) {
    if (!isKind(operation, 'remove')) continue;
    operation.body.dots.forEach((dot) => view.takenBack.delete(dotKey(dot)));
  }
  return view;
}

function takeIntoView(view: LiveView, log: SelfLog, operation: Operation): void {
  if (isKind(operation, 'set')) {
    const key = registerKey(operation.body.register, operation.body.key);
    const known = view.registers.get(key);
    if (!known || compareOperations(known, operation) < 0) view.registers.set(key, operation);
  } else if (isKind(operation, 'add')) {
    if (!view.takenBack.has(dotKey(operation))) addElement(view, operation);
  } else if (isKind(operation, 'remove')) {
    for (const dot of operation.body.dots) {
      view.takenBack.add(dotKey(dot));
      const added = log.operations.get(dotKey(dot));
      if (added && isKind(added, 'add')) takeBack(view, added);
    }
  } else if (isKind(operation, 'seen')) noteSeen(view, operation);
}

function addElement(view: LiveView, operation: Operation<AddElement>): void {
  const { set, owner, element } = operation.body;
  const key = setKey(set, owner);
  const elements = view.sets.get(key) ?? new Map<string, Operation<AddElement>[]>();
  const additions = elements.get(element) ?? [];
  additions.push(operation);
  additions.sort(compareOperations);
  elements.set(element, additions);
  view.sets.set(key, elements);
}

function takeBack(view: LiveView, { device, seq, body }: Operation<AddElement>): void {
  const key = setKey(body.set, body.owner);
  const elements = view.sets.get(key);
  const additions = elements?.get(body.element) ?? [];
  const left = additions.filter((one) => one.device !== device || one.seq !== seq);
  if (left.length > 0) elements?.set(body.element, left);
  else elements?.delete(body.element);
  if (elements?.size === 0) view.sets.delete(key);
}

function noteSeen({ said }: LiveView, operation: Operation<Seen>): void {
  const known = said.get(operation.device);
  if (!known || known.seq < operation.seq) said.set(operation.device, operation);
}
