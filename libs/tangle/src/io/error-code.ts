/**
 * The code of an error of Node or of a library. Looks at the shape, not at the class: errors may
 * come from another realm (a worker, a test's sandbox), where `instanceof Error` is false.
 */

/** The text in `code`, such as `ENOENT`; undefined when there is none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : undefined;
}
