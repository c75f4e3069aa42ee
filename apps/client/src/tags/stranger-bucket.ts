/**
 * Bits of the bucket that names a crowd of recipients for a day (mail core, envelope/stranger.ts).
 * 0 puts everybody into one bucket, which is right while the whole network sends fewer than some
 * 2^15 envelopes a day; it becomes a milestone option when it must grow.
 */
export const STRANGER_BUCKET_BITS = 0;
