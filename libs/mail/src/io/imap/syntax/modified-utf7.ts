/**
 * Names of folders on the wire of IMAP4rev1: UTF-7 in its changed form. Source: RFC 3501 §5.1.3.
 * Sessions that take UTF-8 (RFC 6855, RFC 9051) get the names as they are.
 */
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,';

export function encodeFolderName(name: string): string {
  return name.replaceAll('&', '&-').replaceAll(/[^\x20-\x7e]+/g, (run) => `&${encodeRun(run)}-`);
}

/** Undefined for what is no name in that form: two texts must not name one folder. */
export function decodeFolderName(text: string): string | undefined {
  if (/[^\x20-\x7e]/.test(text)) return undefined;
  let name = '';
  let at = 0;
  while (at < text.length) {
    const from = text.indexOf('&', at);
    if (from < 0) return name + text.slice(at);
    const to = text.indexOf('-', from);
    if (to < 0) return undefined;
    name += text.slice(at, from);
    const run = to === from + 1 ? '&' : decodeRun(text.slice(from + 1, to));
    if (run === undefined) return undefined;
    name += run;
    at = to + 1;
  }
  return name;
}

/** Base64 of UTF-16 in network order, without padding. */
function encodeRun(run: string): string {
  let [text, held, bits] = ['', 0, 0];
  for (let at = 0; at < run.length; at++) {
    held = (held << 16) | run.charCodeAt(at);
    bits += 16;
    while (bits >= 6) {
      bits -= 6;
      text += BASE64[(held >> bits) & 63];
      held &= (1 << bits) - 1;
    }
  }
  return bits === 0 ? text : text + BASE64[(held << (6 - bits)) & 63];
}

function decodeRun(text: string): string | undefined {
  let [run, held, bits] = ['', 0, 0];
  for (const digit of text) {
    const value = BASE64.indexOf(digit);
    if (value < 0) return undefined;
    held = (held << 6) | value;
    bits += 6;
    if (bits < 16) continue;
    bits -= 16;
    run += String.fromCharCode(held >> bits);
    held &= (1 << bits) - 1;
  }
  // Rest bits are zero and fewer than a digit; printable characters stand for themselves.
  const isWhole = bits < 6 && held === 0 && !/[\x20-\x7e]/.test(run) && run !== '';
  return isWhole && run.isWellFormed() ? run : undefined;
}
