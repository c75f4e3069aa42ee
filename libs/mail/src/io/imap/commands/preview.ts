/**
 * The first words of a message, for lists: FETCH PREVIEW of RFC 8970. Before: fetch-answer.ts;
 * after: ../../parse.ts, which decodes.
 */
import { MailError } from '../../mail-error.ts';
import { parseMessage } from '../../parse.ts';

/** RFC 8970 §3.2: at most 256 characters, 200 are wanted. */
const MAX_CHARACTERS = 200;
/** The beginning of a message holds its first words; attachments come behind them. */
const READ_BYTES = 262_144;

/** Words of the sender; empty where there are none. */
export async function previewOf(message: Uint8Array): Promise<string> {
  const shown = await parseMessage(message.subarray(0, READ_BYTES)).catch((error: unknown) => {
    if (error instanceof MailError) return undefined;
    throw error;
  });
  const text = shown?.text === '' ? withoutTags(shown.html ?? '') : (shown?.text ?? '');
  const lines = text.split('\n').filter((line) => !line.startsWith('>'));
  const words = lines
    .join(' ')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return Array.from(words.slice(0, 2 * MAX_CHARACTERS))
    .slice(0, MAX_CHARACTERS)
    .join('')
    .trim();
}

/** Without tags and what nobody sees; every step looks at each character once. */
function withoutTags(html: string): string {
  const [first = '', ...others] = html.split(/<(?=(?:style|script|title)\b)/i);
  const seen = others.map((piece) => {
    const end = piece.search(/<\/(?:style|script|title)\b/i);
    return end < 0 ? '' : piece.slice(end);
  });
  return [first, ...seen].join(' ').replaceAll(/<[^<>]*>/g, ' ');
}
