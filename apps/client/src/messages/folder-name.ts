/**
 * Names and ids of folders. A name is a path, `Work/Invoices`; an id never changes, also when the
 * folder is renamed, so mails and other devices name folders by it.
 * Spec: docs/spec/40-client-store.md, section "Folders".
 */
import { ClientError } from '../client-error.ts';

declare const nameBrand: unique symbol;
declare const idBrand: unique symbol;
/** A path of 1 to MAX_FOLDER_DEPTH parts with `/` between them, as `readFolderName` gives it. */
export type FolderName = string & { readonly [nameBrand]: 'FolderName' };
/** The name of a standard folder, or 32 lowercase hex digits. */
export type FolderId = string & { readonly [idBrand]: 'FolderId' };

/** Folders of every account. `Requests` holds mail of senders that nobody has accepted yet. */
export const STANDARD_FOLDERS = [
  'INBOX',
  'Requests',
  'Sent',
  'Drafts',
  'Archive',
  'Junk',
  'Trash',
] as const;
export type StandardFolder = (typeof STANDARD_FOLDERS)[number];

/** Ids of the standard folders. */
export const FOLDER = Object.fromEntries(STANDARD_FOLDERS.map((name) => [name, name])) as Record<
  StandardFolder,
  FolderId
>;

export const MAX_FOLDER_DEPTH = 8;
/** Characters of a whole name, and of one part of it. */
export const MAX_FOLDER_NAME = 255;
export const MAX_FOLDER_PART = 64;
/** Random bytes of a folder's id. */
export const FOLDER_ID_LENGTH = 16;

/** Whether `id` is the id of a standard folder, which can be neither renamed nor deleted. */
export function isStandard(id: FolderId): boolean {
  return STANDARD_FOLDERS.some((name) => name === id);
}

/** 32 hex digits, or a standard folder's name, as an id. Undefined for anything else. */
export function parseFolderId(text: string): FolderId | undefined {
  const isId = /^[0-9a-f]{32}$/.test(text) || isStandard(text as FolderId);
  return isId ? (text as FolderId) : undefined;
}

/**
 * Reads a name that a person gave. Upper and lower case of a standard folder's name do not matter,
 * as RFC 3501 wants it of INBOX. `*`, `%` and `\` have another meaning in IMAP or in its clients.
 * Throws ClientError `folder-name-invalid`.
 */
export function readFolderName(text: string): FolderName {
  const parts = text.normalize('NFC').split('/');
  const problem = problemOf(text, parts);
  if (problem !== undefined) throw new ClientError('folder-name-invalid', problem);
  const [first = '', ...rest] = parts;
  const standard = STANDARD_FOLDERS.find((one) => one.toLowerCase() === first.toLowerCase());
  return [standard ?? first, ...rest].join('/') as FolderName;
}

function problemOf(text: string, parts: readonly string[]): string | undefined {
  if (text.length > MAX_FOLDER_NAME) return `at most ${MAX_FOLDER_NAME} characters`;
  if (parts.length > MAX_FOLDER_DEPTH) return `at most ${MAX_FOLDER_DEPTH} folders deep`;
  if (parts.includes('')) return 'a part of the name is empty';
  if (parts.some((part) => part.length > MAX_FOLDER_PART)) {
    return `at most ${MAX_FOLDER_PART} characters between two /`;
  }
  if (parts.some((part) => part !== part.trim())) return 'a part begins or ends with a space';
  return /[\p{Cc}\p{Cf}\p{Cs}*%\\]/u.test(text)
    ? 'control characters, *, % and \\ have no place in it'
    : undefined;
}

/** The folder above; undefined for one that stands at the top. */
export function parentOf(name: FolderName): FolderName | undefined {
  const at = name.lastIndexOf('/');
  return at < 0 ? undefined : (name.slice(0, at) as FolderName);
}

/** Whether `name` lies below `above`, at any depth. */
export function isBelow(name: FolderName, above: FolderName): boolean {
  return name.startsWith(`${above}/`);
}
