/**
 * The selected folder as one session sees it: message numbers that change only when the session is
 * told so. The folder itself changes under it; `news` compares the two. Source: RFC 3501 §5.2,
 * §7.4.1, RFC 7162. Before: hooks.ts; next: session.ts.
 */
import type { FolderMessage } from '../../../core/folder/folder.ts';
import type { ImapFolderState, UidRange } from './hooks.ts';
import { positionOf } from '../syntax/sequence-set.ts';

/** Flags that a program is told of by name; the rest can be set all the same. */
const MAX_FLAGS = 205;

/** What the session was not told yet. */
export interface FolderNews {
  /** Numbers at the time when each is told, greatest first; empty when none may be told. */
  readonly expunged: readonly { readonly number: number; readonly uid: number }[];
  /** Messages whose flags changed, that the session knows. */
  readonly changed: readonly FolderMessage[];
  /** Messages there are now; undefined when the session knows it. */
  readonly exists: number | undefined;
}

export class FolderView {
  readonly folderId: string;
  readonly isReadOnly: boolean;
  /** UIDs by message number − 1. */
  #uids: number[];
  #modseq: number;
  #uidNext: number;
  /** Flags that the program was told of, by lower case. */
  readonly #flags = new Map<string, string>();
  /** UIDs that are recent for this session. */
  readonly #recent = new Set<number>();
  /** Modification numbers that its own commands told it, until the next news. */
  readonly #told = new Map<number, number>();

  constructor(folderId: string, state: ImapFolderState, isReadOnly: boolean) {
    this.folderId = folderId;
    this.isReadOnly = isReadOnly;
    this.#uids = [...state.messages.keys()];
    this.#modseq = state.modseq;
    this.#uidNext = state.uidNext;
  }

  get uids(): readonly number[] {
    return this.#uids;
  }

  get size(): number {
    return this.#uids.length;
  }

  /** The last change that the session was told of. */
  get modseq(): number {
    return this.#modseq;
  }

  get recent(): number {
    return this.#recent.size;
  }

  isRecent(uid: number): boolean {
    return this.#recent.has(uid);
  }

  /** The number of a UID that the session knows; 0 for another. */
  numberOf(uid: number): number {
    const at = positionOf(this.#uids, uid);
    return this.#uids[at] === uid ? at + 1 : 0;
  }

  /** Marks known messages as recent for this session. */
  addRecent({ from, to }: UidRange): void {
    for (let at = positionOf(this.#uids, from); at < this.#uids.length; at++) {
      const uid = this.#uids[at] ?? 0;
      if (uid >= to) return;
      this.#recent.add(uid);
    }
  }

  /** Whether the folder has messages that the session was not told of. */
  hasArrivals(state: ImapFolderState): boolean {
    return state.uidNext > this.#uidNext;
  }

  /** Flags that the program was told of, with those of a message; undefined for nothing new. */
  flagsWith(flags: readonly string[]): readonly string[] | undefined {
    let isNew = false;
    for (const flag of flags) {
      const key = flag.toLowerCase();
      if (this.#flags.has(key) || this.#flags.size >= MAX_FLAGS) continue;
      this.#flags.set(key, flag);
      isNew = true;
    }
    return isNew ? [...this.#flags.values()] : undefined;
  }

  /**
   * What happened since; from now on the session knows it. Expunges wait where the protocol forbids
   * them (during FETCH, STORE and SEARCH by number).
   */
  news(state: ImapFolderState, mayExpunge: boolean): FolderNews {
    const nothing = { expunged: [], changed: [], exists: undefined };
    const hasGone = mayExpunge && this.#uids.some((uid) => !state.messages.has(uid));
    if (state.modseq === this.#modseq && !hasGone) return nothing;
    const since = this.#modseq;
    const expunged = hasGone ? this.#dropGone(state) : [];
    const known = this.#uidNext;
    const added: number[] = [];
    const changed: FolderMessage[] = [];
    for (const message of state.messages.values()) {
      if (message.modseq <= since) continue;
      if (message.uid >= known) added.push(message.uid);
      else if (this.#told.get(message.uid) === message.modseq) continue;
      else if (this.numberOf(message.uid) > 0) changed.push(message);
    }
    this.#told.clear();
    added.sort((a, b) => a - b);
    this.#uids.push(...added);
    this.#modseq = state.modseq;
    this.#uidNext = state.uidNext;
    return { expunged, changed, exists: added.length > 0 ? this.size : undefined };
  }

  #dropGone(state: ImapFolderState): { number: number; uid: number }[] {
    const gone: { number: number; uid: number }[] = [];
    for (let at = this.#uids.length - 1; at >= 0; at--) {
      const uid = this.#uids[at] ?? 0;
      if (state.messages.has(uid)) continue;
      gone.push({ number: at + 1, uid });
      this.#recent.delete(uid);
    }
    this.#uids = this.#uids.filter((uid) => state.messages.has(uid));
    return gone;
  }

  /** Whether the session was told of this state of a message. */
  isKnown({ uid, modseq }: FolderMessage): boolean {
    return modseq <= this.#modseq || this.#told.get(uid) === modseq;
  }

  /** The session's own command told it of this state of a message. */
  markKnown({ uid, modseq }: FolderMessage): void {
    this.#told.set(uid, modseq);
  }
}
