/** Which form a message of some size takes on its way. Spec: docs/spec/42-delivery.md. */
import { maxMessageSize } from '@tanglemail/mail/core/envelope/seal.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';

/** A message that the largest envelope cannot hold travels as a parcel. */
export function formOf(sizeBytes: number, isRegistered: boolean): 'message' | 'parcel' {
  const limit = maxMessageSize(PADDED_SIZES.at(-1) ?? 0, isRegistered);
  return sizeBytes <= limit ? 'message' : 'parcel';
}
