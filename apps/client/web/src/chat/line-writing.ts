/** What holds for a line before it is sent: its size, and which key sends it. Pure. */
export const MAX_LINE_BYTES = 16_000;

export interface LineSize {
  readonly bytes: number;
  readonly isEmpty: boolean;
  readonly isTooLong: boolean;
}

export function sizeOf(text: string): LineSize {
  const bytes = new TextEncoder().encode(text).length;
  return { bytes, isEmpty: text.trim() === '', isTooLong: bytes > MAX_LINE_BYTES };
}

export interface PressedKey {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  /** It ends a word of an input method, as Japanese ones have it. */
  readonly isComposing: boolean;
}

/** Ctrl+Enter always sends; Enter alone if the user wants it so. */
export function isSending(pressed: PressedKey, enterSends: boolean): boolean {
  const { key, shiftKey, ctrlKey, metaKey, isComposing } = pressed;
  if (key !== 'Enter' || isComposing || shiftKey) return false;
  return ctrlKey || metaKey || enterSends;
}
