/** Links within a text of somebody else's: web addresses only, everything else stays text. Pure. */
export interface TextPart {
  /** Where it begins in the whole text. */
  readonly start: number;
  readonly text: string;
  /** Absent of plain text. */
  readonly href?: string;
}

/** What ends a sentence or closes a bracket around a link does not belong to it. */
const TRAILING = /[.,;:!?'"”’»)\]}>]+$/u;
const WEB_ADDRESS = /https?:\/\/[^\s<>"“”«»]+/giu;

/** Parts whose texts joined are the whole text. */
export function partsOf(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(WEB_ADDRESS)) {
    const shown = trimmedLink(match[0]);
    if (!isWebAddress(shown)) continue;
    if (match.index > end) parts.push({ start: end, text: text.slice(end, match.index) });
    parts.push({ start: match.index, text: shown, href: shown });
    end = match.index + shown.length;
  }
  if (end < text.length) parts.push({ start: end, text: text.slice(end) });
  return parts;
}

/** Without what follows it; a closing bracket stays if it was opened within. */
function trimmedLink(found: string): string {
  const tail = TRAILING.exec(found)?.[0] ?? '';
  const bare = found.slice(0, found.length - tail.length);
  return tail.startsWith(')') && bare.includes('(') ? `${bare})` : bare;
}

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
}
