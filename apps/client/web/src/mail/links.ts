/** Links in the text of a mail: what is a link is cut out of it, and whose it is stands beside. */

/** One piece of a text; a link has where it goes and the host as the network knows it. */
export interface TextPart {
  readonly text: string;
  /** Where in the text it begins. */
  readonly at: number;
  readonly link?: { readonly href: string; readonly host: string };
}

/** More links than anybody follows; what is behind them stays text. */
const MAX_LINKS = 500;
const LINK = /https?:\/\/[^\s<>"'`\\\p{Cc}]{1,2048}/giu;

/** Signs that end a sentence, and brackets that were opened before the link. */
function withoutEnd(text: string): string {
  const cut = text.replace(/[.,;:!?…*_]+$/u, '');
  for (const [open, close] of ['()', '[]', '{}']) {
    const isSurplus = cut.endsWith(close ?? '') && !cut.includes(open ?? '');
    if (isSurplus) return withoutEnd(cut.slice(0, -1));
  }
  return cut;
}

function linkOf(text: string): TextPart['link'] {
  try {
    const { href, hostname } = new URL(text);
    return hostname === '' ? undefined : { href, host: hostname };
  } catch {
    return undefined;
  }
}

/** The text in its order; all pieces together are the text. */
export function partsOf(text: string): readonly TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  let count = 0;
  for (const match of text.matchAll(LINK)) {
    if (count === MAX_LINKS) break;
    const written = withoutEnd(match[0]);
    const link = linkOf(written);
    if (link === undefined) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index), at: from });
    parts.push({ text: written, at: match.index, link });
    count += 1;
    from = match.index + written.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), at: from });
  return parts;
}
