/**
 * The names of metrics in a PromQL expression: what is left when strings, selectors, ranges, lists
 * of labels and functions are taken away. Used by ops.spec.ts.
 */

const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);
const LABEL_LISTS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g;

/** Every metric that the expression reads, each once. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(LABEL_LISTS, ' ');
  const names = bare.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])/g);
  const found = [...names].map(([, name = '']) => name);
  return [...new Set(found.filter((name) => !WORDS.has(name.toLowerCase())))];
}
