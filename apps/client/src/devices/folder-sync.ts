/**
 * Brings the folders of this device to those of the log, one step at a time, so that each step
 * stands on the last: two devices may have made, renamed and deleted folders at once. Where a
 * folder is wanted follows from the log alone. Before: mail-log-apply.ts; after: mail store.
 * Spec: docs/spec/26-self-log.md, section "Values".
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { isKind, type Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import type { SelfLogView } from '@tanglemail/mail/core/self-log/view.ts';
import { ClientError } from '../client-error.ts';
import {
  type FolderId,
  type FolderName,
  isBelow,
  isStandard,
  parentOf,
  parseFolderId,
  readFolderName,
} from '../messages/folder-name.ts';
import type { MessageStore } from '../messages/message-store.ts';
import type { SealedBatch } from '../store/sealed-store.ts';

/** Puts one step into a batch; the function it gives is called once that is written. */
type Step = (batch: SealedBatch) => () => void;

/** Steps of one run: each folder is renamed out of the way once, and then to where it belongs. */
const MAX_STEPS = 4_096;

/** What a run goes by. */
interface Plan {
  /** Where the log wants each folder. */
  readonly wanted: ReadonlyMap<FolderId, FolderName>;
  readonly deleted: ReadonlySet<FolderId>;
  /** Folders of this device. */
  readonly names: ReadonlyMap<FolderId, FolderName>;
  readonly ids: ReadonlyMap<FolderName, FolderId>;
}

export class FolderSync {
  readonly #messages: MessageStore;
  readonly #view: () => SelfLogView;
  readonly #write: (step: Step) => Promise<void>;

  constructor(
    messages: MessageStore,
    view: () => SelfLogView,
    write: (step: Step) => Promise<void>,
  ) {
    this.#messages = messages;
    this.#view = view;
    this.#write = write;
  }

  /** Does what operations of other devices mean for folders; gives those that were made. */
  async run(operations: readonly Operation[]): Promise<FolderId[]> {
    const isTouched = operations.some(
      (one) => isKind(one, 'set') && one.body.register === 'folder',
    );
    const made: FolderId[] = [];
    if (!isTouched) return made;
    // What is refused here (too many folders) is left out: another device has room for it.
    const refused = new Set<FolderId>();
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const plan = this.#plan();
      const next = nextDeletion(plan, refused) ?? nextName(plan, refused);
      if (next === undefined) break;
      try {
        await this.#write((batch) => this.#step(batch, next));
        if (!plan.names.has(next.id)) made.push(next.id);
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        refused.add(next.id);
      }
    }
    return made;
  }

  #step(batch: SealedBatch, { id, name }: Change): () => void {
    const messages = this.#messages;
    if (name === undefined) return messages.deleteFolder(batch, id, 'remote');
    if (messages.folder(id) === undefined) {
      return messages.createFolder(batch, name, () => id, 'remote').apply;
    }
    return messages.renameFolder(batch, id, name, 'remote');
  }

  #plan(): Plan {
    const here = this.#messages.folders();
    const { wanted, deleted } = wishesOf(this.#view());
    return {
      wanted,
      deleted,
      names: new Map(here.map(({ id, name }) => [id, name])),
      ids: new Map(here.map(({ id, name }) => [name, id])),
    };
  }
}

/** Whether a folder was deleted on some device. */
export function isDeletedFolder(view: SelfLogView, id: string): boolean {
  const last = view.registers.get(`folder/${id}`);
  return last !== undefined && last.body.value === undefined;
}

/** A folder and its name from now on; without one it is deleted. */
interface Change {
  readonly id: FolderId;
  readonly name?: FolderName;
}

/** One that is deleted goes once nothing lies below it that stays; until then it steps aside. */
function nextDeletion(
  { wanted, deleted, names, ids }: Plan,
  refused: ReadonlySet<FolderId>,
): Change | undefined {
  for (const id of deleted) {
    const name = names.get(id);
    if (name === undefined || refused.has(id)) continue;
    const isEmpty = ![...wanted.keys()].some((one) => {
      const below = names.get(one);
      return below !== undefined && isBelow(below, name);
    });
    if (isEmpty) return { id };
    const aside = suffixed(name, id);
    const isAside = name.endsWith(suffixOf(id));
    if (!isAside && aside !== undefined && !ids.has(aside)) return { id, name: aside };
  }
  return undefined;
}

/** The first folder, from the top down, that is not where the log wants it. */
function nextName(plan: Plan, refused: ReadonlySet<FolderId>): Change | undefined {
  const { wanted, names, ids } = plan;
  const sorted = [...wanted].toSorted(([, a], [, b]) => a.length - b.length);
  for (const [id, name] of sorted) {
    const present = names.get(id);
    if (present === name || refused.has(id)) continue;
    const parent = missingParent(name, ids);
    if (parent !== undefined) {
      const parentId = impliedId(parent);
      if (!refused.has(parentId) && !names.has(parentId)) return { id: parentId, name: parent };
      continue;
    }
    if (!ids.has(name)) return { id, name };
    // Somebody stands there: one that is to go elsewhere, or a folder that no log knows.
    const aside = suffixed(name, id);
    if (aside !== undefined && present !== aside && !ids.has(aside)) return { id, name: aside };
  }
  return undefined;
}

/** The topmost folder above `name` that is not there. */
function missingParent(
  name: FolderName,
  ids: ReadonlyMap<FolderName, FolderId>,
): FolderName | undefined {
  let missing: FolderName | undefined;
  for (let one = parentOf(name); one !== undefined; one = parentOf(one)) {
    if (!ids.has(one)) missing = one;
  }
  return missing;
}

/** Where the log wants each folder. Of two with one name the one with the lesser id has it. */
function wishesOf(view: SelfLogView): Pick<Plan, 'wanted' | 'deleted'> {
  const given = new Map<FolderId, FolderName>();
  const deleted = new Set<FolderId>();
  for (const { body } of view.registers.values()) {
    const id = body.register === 'folder' ? parseFolderId(body.key) : undefined;
    if (id === undefined || isStandard(id)) continue;
    const name =
      body.value === undefined ? undefined : nameOf(new TextDecoder().decode(body.value));
    if (body.value === undefined) deleted.add(id);
    else if (name !== undefined) given.set(id, name);
  }
  const wanted = new Map<FolderId, FolderName>();
  const taken = new Set<FolderName>();
  for (const [id, name] of [...given].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const isFree = !taken.has(name) && !isStandard(name as string as FolderId);
    const own = isFree ? name : suffixed(name, id);
    if (own === undefined) continue;
    taken.add(own);
    wanted.set(id, own);
  }
  return { wanted, deleted };
}

/** A folder that nobody made by itself, above one that somebody did: the same on all devices. */
function impliedId(name: FolderName): FolderId {
  const hash = sha256(utf8ToBytes(`tmail/folder-above/v1 ${name}`));
  return bytesToHex(hash.subarray(0, 16)) as FolderId;
}

function suffixOf(id: FolderId): string {
  return ` (${id.slice(0, 8)})`;
}

function suffixed(name: FolderName, id: FolderId): FolderName | undefined {
  return nameOf(`${name}${suffixOf(id)}`);
}

function nameOf(text: string): FolderName | undefined {
  try {
    return readFolderName(text);
  } catch {
    return undefined;
  }
}
