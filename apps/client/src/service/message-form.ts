/** Which form a message of some size takes on its way. Spec: docs/spec/42-delivery.md. */
import { maxMessageSize } from '@tanglemail/mail/core/envelope/seal.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';

/** Bytes of the largest message that goes as a letter; more travels as a parcel. */
export const MAX_LETTER = maxMessageSize(PADDED_SIZES.at(-1) ?? 0, false);

export function formOf(sizeBytes: number): 'message' | 'parcel' {
  return sizeBytes <= MAX_LETTER ? 'message' : 'parcel';
}
