/** Names of folders in the user's language. */
import type { Words } from '../words/en.ts';

/** Those of every account have a name in each language. */
export function folderText({ folderNames }: Words['mail'], name: string): string {
  return Object.entries(folderNames).find(([known]) => known === name)?.[1] ?? name;
}
