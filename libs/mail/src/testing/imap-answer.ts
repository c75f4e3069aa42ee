/** For specs: reads IMAP answers into lists, strings and null, so that two servers compare. */

export type ImapValue = string | null | readonly ImapValue[];

/** Octets as characters. Throws for what is no sequence of values. */
export function readImapValues(text: string): ImapValue[] {
  const [values, end] = sequence(text, 0);
  if (end !== text.length) throw new Error(`not read: ${text.slice(end, end + 40)}`);
  return values;
}

function sequence(text: string, start: number): readonly [ImapValue[], number] {
  const values: ImapValue[] = [];
  let at = start;
  while (at < text.length && text[at] !== ')') {
    if (text[at] === ' ') at++;
    else {
      const [value, end] = one(text, at);
      values.push(value);
      at = end;
    }
  }
  return [values, at];
}

function one(text: string, at: number): readonly [ImapValue, number] {
  if (text[at] === '(') {
    const [values, end] = sequence(text, at + 1);
    if (text[end] !== ')') throw new Error('a list does not end');
    return [values, end + 1];
  }
  const literal = /^\{(\d+)\}\r?\n/.exec(text.slice(at, at + 20));
  if (literal !== null) {
    const start = at + literal[0].length;
    const end = start + Number(literal[1]);
    return [text.slice(start, end), end];
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(text.slice(at));
  if (quoted !== null) {
    return [(quoted[1] ?? '').replaceAll(/\\(.)/gs, '$1'), at + quoted[0].length];
  }
  const atom = /^[^\s()"{]+/.exec(text.slice(at))?.[0];
  if (atom === undefined) throw new Error(`not read: ${text.slice(at, at + 40)}`);
  return [atom === 'NIL' ? null : atom, at + atom.length];
}
