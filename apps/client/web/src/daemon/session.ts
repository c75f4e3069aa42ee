/**
 * How a browser becomes ours: the token in the fragment of the link is shown once for a cookie and
 * a page key, which stays in the storage of this origin. Spec: docs/spec/41-client-api.md, "Pages".
 */
import type { WebSessionDto } from '../../../src/api/web-dto.ts';
import { problemOf } from './problem.ts';

const KEY_NAME = 'tanglemail.page-key';
const SESSION_PATH = '/api/client/v1/session';

/** The token of a link's fragment; undefined for any other fragment. */
export function tokenOf(fragment: string): string | undefined {
  return /^#token=([\w-]{16,256})$/.exec(fragment)?.[1];
}

/** The key of this page; undefined when this browser is not signed in. Throws ApiProblem. */
export async function signIn(): Promise<string | undefined> {
  const token = tokenOf(location.hash);
  if (token === undefined) return localStorage.getItem(KEY_NAME) ?? undefined;
  // The link shall not stay in the address bar, nor go back with the back key.
  history.replaceState(undefined, '', `${location.pathname}#/`);
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch(SESSION_PATH, { method: 'POST', headers });
  if (!response.ok) throw await problemOf(response);
  const { pageKey } = (await response.json()) as WebSessionDto;
  localStorage.setItem(KEY_NAME, pageKey);
  return pageKey;
}

/** Forgets the key, when the daemon no longer knows it. */
export function forgetKey(): void {
  localStorage.removeItem(KEY_NAME);
}
