/**
 * What a mail may say about its looks: properties and forms of values from closed lists. No form
 * has room for a function but colours, so that nothing can be fetched from a style, and none for
 * an escape, by which one could be hidden. Before: sanitise.ts. Spec: docs/spec/41-client-api.md,
 * "HTML of a mail".
 */

const WORD = '[a-z]+(?:-[a-z]+){0,4}';
const HEX = '#[0-9a-f]{3,8}';
const COLOUR_FUNCTION = '(?:rgb|hsl)a?\\([\\d\\s.,%/]{1,64}\\)';
const LENGTH = '[-+]?(?:\\d{1,6}\\.?\\d{0,6}|\\.\\d{1,6})(?:px|em|rem|ex|ch|cm|mm|in|pt|pc|%)?';

/** A whole value, in any case. */
function form(...alternatives: readonly string[]): RegExp {
  return new RegExp(`^(?:${alternatives.join('|')})$`, 'i');
}

const COLOUR = [form(WORD, HEX, COLOUR_FUNCTION)];
const KEYWORD = [form(WORD)];
const SIZE = [form(WORD, LENGTH)];
const SIZES = [form(`(?:${WORD}|${LENGTH})(?:\\s+(?:${WORD}|${LENGTH})){0,3}`)];
const BORDER_PART = `(?:${WORD}|${LENGTH}|${HEX}|${COLOUR_FUNCTION})`;
const BORDER = [form(`${BORDER_PART}(?:\\s+${BORDER_PART}){0,2}`)];
const NAMES = [/^[\w\s,'"-]{1,256}$/];

const SIDES = ['top', 'right', 'bottom', 'left'] as const;
const sided = (name: string, values: RegExp[]): [string, RegExp[]][] => [
  [name, values],
  ...SIDES.map((side): [string, RegExp[]] => [`${name}-${side}`, values]),
];

/** Forms of the value of each property; no other property is kept. */
export const SAFE_STYLES: Readonly<Record<string, RegExp[]>> = Object.fromEntries([
  ['color', COLOUR],
  ['background-color', COLOUR],
  // The short form is kept only where it names no more than a colour.
  ['background', COLOUR],
  ['border-color', [form(`${BORDER_PART}(?:\\s+${BORDER_PART}){0,3}`)]],
  ['border-style', SIZES],
  ['border-width', SIZES],
  ['border-radius', SIZES],
  ['border-collapse', KEYWORD],
  ['border-spacing', SIZES],
  ...sided('border', BORDER),
  ...sided('padding', SIZES),
  ...sided('margin', SIZES),
  ['width', SIZE],
  ['min-width', SIZE],
  ['max-width', SIZE],
  ['height', SIZE],
  ['max-height', SIZE],
  ['display', KEYWORD],
  ['float', KEYWORD],
  ['clear', KEYWORD],
  ['font-family', NAMES],
  ['font-size', SIZE],
  ['font-style', KEYWORD],
  ['font-weight', SIZE],
  ['font-variant', KEYWORD],
  ['letter-spacing', SIZE],
  ['line-height', SIZE],
  ['list-style-type', KEYWORD],
  ['table-layout', KEYWORD],
  ['text-align', KEYWORD],
  ['text-decoration', SIZES],
  ['text-indent', SIZE],
  ['text-transform', KEYWORD],
  ['vertical-align', SIZE],
  ['white-space', KEYWORD],
  ['word-break', KEYWORD],
  ['overflow-wrap', KEYWORD],
] satisfies [string, RegExp[]][]);
