/**
 * Names that can be taken for each other: two names with one skeleton look alike on a screen. Used
 * to keep a stranger from calling itself as a contact is called. A small part of what Unicode UTS
 * 39 lists: letters of European scripts, digits, width, marks, spaces.
 * Spec: docs/spec/20-identity.md, "Names".
 */

/** Look-alike → plain letter, of names in lower case. */
const CONFUSABLE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аα',
    b: 'ьƅ',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еє',
    g: 'ɡ',
    h: 'һ',
    i: 'іιıl1|ӏ',
    j: 'ј',
    k: 'кκ',
    m: 'м',
    n: 'п',
    o: 'оοσ0',
    p: 'рρ',
    q: 'ԛ',
    r: 'г',
    s: 'ѕ5',
    t: 'тτ',
    u: 'υ',
    v: 'ν',
    w: 'ԝω',
    x: 'хχ',
    y: 'уγ',
  }).flatMap(([plain, alikes]) => Array.from(alikes, (one) => [one, plain] as const)),
);

/**
 * The skeleton of a name: equal for names that look alike. Empty for a name without a letter or a
 * digit.
 */
export function skeletonOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}|]/gu, '');
  const letters = Array.from(plain, (one) => CONFUSABLE.get(one) ?? one).join('');
  return letters.replaceAll('rn', 'm').replaceAll('vv', 'w');
}
