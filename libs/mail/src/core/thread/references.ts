/**
 * Conversations as trees, for mail programs that ask the server for them: by References and
 * subjects, or by subjects alone. Other than thread.ts these are the algorithms of RFC 5256 §3, to
 * the letter, over the messages of one search. Before: a message's facts; next: io/imap, THREAD.
 */
import { baseSubject, collationKey } from '../message/base-subject.ts';

/** What a message says about its place. */
export interface Referring {
  /** Number or UID: what the tree shows; ascending in the order of the folder. */
  readonly number: number;
  /** Without brackets; empty when there is none. */
  readonly messageId: string;
  /** Oldest first, without brackets. */
  readonly references: readonly string[];
  /** Decoded. */
  readonly subject: string;
  /** Unix seconds. */
  readonly date: number;
}

/** A message with its answers; `message` undefined for one that is missing. */
export interface ReferenceNode {
  readonly message: Referring | undefined;
  readonly children: readonly ReferenceNode[];
}

interface Node extends ReferenceNode {
  message: Referring | undefined;
  parent: Node | undefined;
  children: Node[];
}

function newNode(message?: Referring): Node {
  return { message, parent: undefined, children: [] };
}

function keyOf({ subject }: Referring): string {
  return collationKey(baseSubject(subject).base);
}

function compare(a: Referring | undefined, b: Referring | undefined): number {
  return (a?.date ?? 0) - (b?.date ?? 0) || (a?.number ?? 0) - (b?.number ?? 0);
}

/** THREAD=ORDEREDSUBJECT: the first of a subject, and under it all others. */
export function threadBySubject(messages: readonly Referring[]): ReferenceNode[] {
  const bySubject = new Map<string, Referring[]>();
  for (const message of messages.toSorted(compare)) {
    const key = keyOf(message);
    const same = bySubject.get(key);
    if (same === undefined) bySubject.set(key, [message]);
    else same.push(message);
  }
  return Array.from(bySubject.values(), ([first, ...others]) => ({
    message: first,
    children: others.map((message) => ({ message, children: [] })),
  }));
}

/** THREAD=REFERENCES. */
export function threadByReferences(messages: readonly Referring[]): ReferenceNode[] {
  const roots = prune(linked(messages));
  sortBy(roots);
  const merged = mergeSubjects(roots);
  sortAll(merged);
  return merged;
}

/** Step 1: links every message with what it answers; all that have no parent. */
function linked(messages: readonly Referring[]): Node[] {
  const byId = new Map<string, Node>();
  const all: Node[] = [];
  const nodeOf = (id: string): Node => {
    const known = byId.get(id);
    if (known !== undefined) return known;
    const node = newNode();
    byId.set(id, node);
    all.push(node);
    return node;
  };
  for (const message of messages) {
    const { messageId, references } = message;
    let node = messageId === '' ? undefined : nodeOf(messageId);
    // Of two with one id the second has none.
    if (node === undefined || node.message !== undefined) {
      node = newNode();
      all.push(node);
    }
    node.message = message;
    let above: Node | undefined;
    for (const id of references) {
      const one = nodeOf(id);
      if (above !== undefined && one.parent === undefined) adopt(above, one);
      above = one;
    }
    // A parent that somebody else gave it comes from a list that was cut.
    if (node.parent !== above) leave(node);
    if (above !== undefined) adopt(above, node);
  }
  return all.filter(({ parent }) => parent === undefined);
}

/** Whether `node` is `other` or stands above it. */
function isAbove(node: Node, other: Node): boolean {
  // What has no answers yet stands above nothing: long chains grow at their end.
  if (node.children.length === 0) return node === other;
  for (let at: Node | undefined = other; at !== undefined; at = at.parent) {
    if (at === node) return true;
  }
  return false;
}

function adopt(parent: Node, child: Node): void {
  if (child.parent === parent || isAbove(child, parent)) return;
  leave(child);
  child.parent = parent;
  parent.children.push(child);
}

function leave(child: Node): void {
  const siblings = child.parent?.children;
  siblings?.splice(siblings.indexOf(child), 1);
  child.parent = undefined;
}

/** Step 3: what is missing makes way for its answers, at the top for a single one only. */
function prune(roots: readonly Node[]): Node[] {
  for (const node of fromBelow(roots)) {
    node.children = node.children.flatMap((child) =>
      child.message === undefined ? child.children : [child],
    );
  }
  return roots.flatMap((root) => {
    if (root.message !== undefined || root.children.length > 1) return [root];
    return root.children;
  });
}

/** Every node behind all that stand below it; without recursion, a hostile chain is long. */
function fromBelow(roots: readonly Node[]): Node[] {
  const order: Node[] = [];
  const waiting = [...roots];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    order.push(node);
    for (const child of node.children) waiting.push(child);
  }
  return order.toReversed();
}

/** What stands for a node: itself, or the first of the answers to one that is missing. */
function faceOf(node: Node): Referring | undefined {
  return node.message ?? node.children[0]?.message;
}

function sortBy(siblings: Node[]): void {
  for (const one of siblings) {
    if (one.message === undefined) one.children.sort((a, b) => compare(faceOf(a), faceOf(b)));
  }
  siblings.sort((a, b) => compare(faceOf(a), faceOf(b)));
}

/** Step 6. */
function sortAll(roots: Node[]): void {
  for (const node of fromBelow(roots)) {
    node.children.sort((a, b) => compare(faceOf(a), faceOf(b)));
  }
  roots.sort((a, b) => compare(faceOf(a), faceOf(b)));
}

/** Step 5: conversations that nothing but their subject ties together. */
function mergeSubjects(roots: readonly Node[]): Node[] {
  const table = new Map<string, Node>();
  const isReply = (node: Node): boolean => baseSubject(faceOf(node)?.subject ?? '').isReply;
  const subjectOf = (node: Node): string => {
    const face = faceOf(node);
    return face === undefined ? '' : keyOf(face);
  };
  for (const root of roots) {
    const subject = subjectOf(root);
    const known = table.get(subject);
    if (subject === '') continue;
    const isBetter =
      known?.message !== undefined &&
      (root.message === undefined || (isReply(known) && !isReply(root)));
    if (known === undefined || isBetter) table.set(subject, root);
  }
  const merged = new Set(roots);
  for (const root of roots) {
    const subject = subjectOf(root);
    const known = table.get(subject);
    if (subject === '' || known === undefined || known === root) continue;
    merged.delete(root);
    if (known.message === undefined) {
      known.children = known.children.concat(root.message === undefined ? root.children : root);
    } else if (isReply(root) && !isReply(known)) {
      known.children.push(root);
    } else {
      const above = newNode();
      above.children = [known, root];
      merged.delete(known);
      merged.add(above);
      table.set(subject, above);
    }
  }
  return [...merged];
}

/** `(1 2 (3)(4 5))`: an answer stands behind what it answers, several in brackets of their own. */
export function formatThreads(roots: readonly ReferenceNode[]): string {
  const pieces: string[] = [];
  const waiting: (ReferenceNode | string)[] = roots.toReversed();
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (typeof one === 'string') {
      pieces.push(one);
      continue;
    }
    pieces.push('(');
    waiting.push(')');
    let node = one;
    const line: number[] = [];
    for (;;) {
      if (node.message !== undefined) line.push(node.message.number);
      const [child] = node.children;
      if (child === undefined || node.children.length > 1) break;
      node = child;
    }
    pieces.push(line.join(' '));
    if (node.children.length > 1) {
      if (line.length > 0) pieces.push(' ');
      for (const sibling of node.children.toReversed()) waiting.push(sibling);
    }
  }
  return pieces.join('');
}
