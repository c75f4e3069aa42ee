/**
 * Which messages belong to one conversation: those that name each other in References and
 * In-Reply-To, over any number of steps, also when a message between them is missing. A function of
 * the set of messages and not of their order. After Jamie Zawinski's threading, without its
 * guessing by subjects. Stop before: message/headers.ts; next: the client's lists.
 * Spec: docs/spec/23-envelope.md, section "Conversations".
 */

/** Newest references of a message that count: what a hostile one could tie together. */
export const MAX_REFERENCES = 20;
/** Messages of one conversation; what comes later stands in another one. */
export const MAX_THREAD = 10_000;

/** What a message says about its place. */
export interface Threaded {
  /** Unique. */
  readonly key: string;
  /** Message-ID without brackets; empty when it has none. */
  readonly messageId: string;
  /** Message-IDs that it answers, oldest first, without brackets. */
  readonly references: readonly string[];
  /** Unix seconds. */
  readonly date: number;
}

/** One message in its conversation. */
export interface ThreadMember<M extends Threaded = Threaded> {
  readonly message: M;
  /** Key of the message that it answers, if that is here. */
  readonly parent: string | undefined;
}

/** A group of ids that belong together: a tree whose root names it (union-find). */
interface Node {
  parent: Node | undefined;
  /** Nodes below, itself included; right at roots only. */
  size: number;
}

function rootOf(node: Node): Node {
  let root = node;
  while (root.parent !== undefined) root = root.parent;
  // Later walks are short: everything on the way hangs at the root from now on.
  for (let at = node; at.parent !== undefined;) {
    const next = at.parent;
    at.parent = root;
    at = next;
  }
  return root;
}

function join(a: Node, b: Node): void {
  const [one, other] = [rootOf(a), rootOf(b)];
  if (one === other) return;
  const [small, large] = one.size < other.size ? [one, other] : [other, one];
  small.parent = large;
  large.size += small.size;
}

/** Conversations that messages are added to one by one, in any order. */
export class ThreadForest<M extends Threaded = Threaded> {
  readonly #ids = new Map<string, Node>();
  readonly #messages = new Map<string, { readonly message: M; readonly node: Node }>();

  /** Adds a message; one with a known key changes nothing. */
  add(message: M): void {
    const { key, messageId, references } = message;
    if (this.#messages.has(key)) return;
    const node = messageId === '' ? newNode() : this.#node(messageId);
    this.#messages.set(key, { message, node });
    for (const id of references.slice(-MAX_REFERENCES)) join(node, this.#node(id));
  }

  #node(id: string): Node {
    const known = this.#ids.get(id);
    if (known !== undefined) return known;
    const node = newNode();
    this.#ids.set(id, node);
    return node;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** All conversations, oldest message first in each; conversations by their first message. */
  threads(): M[][] {
    const byRoot = new Map<Node, M[]>();
    for (const { message, node } of this.#messages.values()) {
      const root = rootOf(node);
      const members = byRoot.get(root);
      if (members === undefined) byRoot.set(root, [message]);
      else members.push(message);
    }
    const all = [...byRoot.values()].flatMap((members) => cut(members.toSorted(compareMessages)));
    return all.toSorted((a, b) => (a[0] && b[0] ? compareMessages(a[0], b[0]) : 0));
  }
}

function newNode(): Node {
  return { parent: undefined, size: 1 };
}

function cut<M>(members: M[]): M[][] {
  if (members.length <= MAX_THREAD) return [members];
  const count = Math.ceil(members.length / MAX_THREAD);
  return Array.from({ length: count }, (_, at) =>
    members.slice(at * MAX_THREAD, (at + 1) * MAX_THREAD),
  );
}

/** By date, then by key. */
export function compareMessages(a: Threaded, b: Threaded): number {
  if (a.date !== b.date) return a.date - b.date;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}

/**
 * Which message of its conversation each one answers: the newest reference that is there and not
 * later than itself, so that no two messages answer each other.
 */
export function withParents<M extends Threaded>(members: readonly M[]): ThreadMember<M>[] {
  const sorted = members.toSorted(compareMessages);
  const byId = new Map<string, M>();
  return sorted.map((message) => {
    const parents = message.references.slice(-MAX_REFERENCES).toReversed();
    const found = parents.map((id) => byId.get(id)).find((one) => one !== undefined);
    const { messageId } = message;
    if (messageId !== '' && !byId.has(messageId)) byId.set(messageId, message);
    return { message, parent: found?.key };
  });
}
