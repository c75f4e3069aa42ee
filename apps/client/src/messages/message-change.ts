/**
 * What changes in the mails of the account, told to observers inside the batch that makes it so.
 * Other devices learn of local changes through this; the search index follows it.
 * Before: message-store.ts. Spec: docs/spec/40-client-store.md, section "Folders".
 */
import type { MessageEntry } from '../store/collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { FolderId, FolderName } from './folder-name.ts';

/**
 * `remote`: another device of the account made the change; it is not journalled again. `device`: it
 * says something that only this device knows, and is told to no other.
 */
export type ChangeOrigin = 'device' | 'local' | 'remote';

/**
 * One change. Messages are named by `messageKey`, which stays the same in every folder and on every
 * device; folders by their id. A message lies in a folder at most once.
 */
export type MessageChange = { readonly origin: ChangeOrigin } & (
  | {
      readonly kind: 'delivered';
      readonly messageKey: string;
      readonly folderId: FolderId;
      readonly entry: MessageEntry;
      readonly raw: Uint8Array;
    }
  | {
      /** Flags of the message in all its folders; never `\Deleted`, which is a folder's own. */
      readonly kind: 'flags';
      readonly messageKey: string;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | {
      readonly kind: 'moved';
      readonly messageKey: string;
      readonly from: FolderId;
      readonly to: FolderId;
    }
  | { readonly kind: 'copied'; readonly messageKey: string; readonly to: FolderId }
  | {
      /** `isGone`: it lay in no other folder, so its bytes are deleted too. */
      readonly kind: 'expunged';
      readonly messageKey: string;
      readonly folderId: FolderId;
      readonly isGone: boolean;
    }
  | { readonly kind: 'folder-created'; readonly folderId: FolderId; readonly name: FolderName }
  | { readonly kind: 'folder-renamed'; readonly folderId: FolderId; readonly name: FolderName }
  | { readonly kind: 'folder-deleted'; readonly folderId: FolderId }
  | {
      /** 32 hex digits; `raw` is the draft as an RFC 5322 message. */
      readonly kind: 'draft-saved';
      readonly draftId: string;
      readonly messageKey: string;
      /** Key of the version that it takes the place of; empty for the first. */
      readonly replaced: string;
      readonly raw: Uint8Array;
    }
  | { readonly kind: 'draft-deleted'; readonly draftId: string; readonly messageKey: string }
);

/** Puts what follows from a change into its batch. Must not throw for any change. */
export type MessageObserver = (batch: SealedBatch, change: MessageChange) => void;
