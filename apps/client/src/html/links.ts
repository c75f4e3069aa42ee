/**
 * Where links of a mail go, and whether they say so. Before: sanitise.ts.
 * Spec: docs/spec/41-client-api.md, "HTML of a mail".
 */

/** A text that reads as a place in the web or as an address: its host is the first group. */
const LOOKS_LIKE_HOST =
  /^(?:[a-z]+:\/\/)?(?:[^\s/@]*@)?((?:[\p{L}\p{N}-]{1,63}\.){1,10}\p{L}{2,63})(?:[:/?#].*)?$/iu;

/** The host of a link as the network knows it: lower case, other letters as `xn--`. */
export function hostOf(href: string): string | undefined {
  try {
    const { protocol, hostname } = new URL(href);
    if (protocol === 'http:' || protocol === 'https:') return hostname;
    return undefined;
  } catch {
    return undefined;
  }
}

/** True for a link to the web whose text names a host that is not the target's. */
export function isDeceptive(text: string, href: string): boolean {
  const target = hostOf(href);
  const named = LOOKS_LIKE_HOST.exec(text.trim().slice(0, 2_048))?.[1];
  if (target === undefined || named === undefined) return false;
  const shown = hostOf(`https://${named}`);
  if (shown === undefined) return true;
  return !isWithin(shown, target) && !isWithin(target, shown);
}

/** The same host, or one below it. */
function isWithin(host: string, upper: string): boolean {
  return host === upper || host.endsWith(`.${upper}`);
}
