/**
 * Which faces of the pages the daemon behind them has. Used by main.tsx.
 * Spec: docs/spec/41-client-api.md, "Pages".
 */

/** Throws where nobody answers, or not in this form. */
export async function facesOfDaemon(): Promise<readonly string[]> {
  const response = await fetch('/faces.json', { redirect: 'error' });
  const { faces } = (await response.json()) as { readonly faces: readonly string[] };
  return faces;
}
