/**
 * JSON that may be none: texts from files and sockets whose reader says itself what is wrong.
 */

/** The value that `text` holds; undefined when it is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
