/**
 * The sizes that the whole mail library shares. A decoder checks its limit before it allocates; the
 * comment names the attack that the limit stops. Spec: docs/spec/23-envelope.md.
 */

/**
 * Bytes of a whole block payload (its type u32 included) per envelope class; the class is the
 * index. Few sizes hide what a mail's length would tell. Classes 0 and 1 are too small for a
 * letter: they are for chain messages.
 */
export const PADDED_SIZES: readonly number[] = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 24_576];

/** The most work that a descriptor may ask of a sender: 2^28 hashes would take a phone minutes. */
export const MAX_STAMP_BITS = 28;

/**
 * Bytes of a message that the library looks at, sealed inline or not: 35 MiB. An attachment of 25
 * MiB is 34.2 MiB in base64 with its line ends; the rest is for the text and the headers.
 */
export const MAX_MESSAGE_SIZE = 36_700_160;
/** Bytes of a message's header section. Bounds what a parser holds of a hostile mail. */
export const MAX_HEADER_SIZE = 262_144;
/** Fields of a header section. */
export const MAX_HEADER_FIELDS = 1_000;
/** Octets of a line without its CRLF (RFC 5322 section 2.1.1). */
export const MAX_LINE_LENGTH = 998;

/**
 * Messages of one chain, ever, and so the most keys that a receiver can be made to keep for it. A
 * sender re-seeds long before (chain/sending.ts).
 */
export const MAX_CHAIN_MESSAGES = 2_000;
/** Numbers of a chain above the next one that are watched: bounds what a hostile tag costs. */
export const CHAIN_WINDOW = 128;
/** Chain envelopes that wait for their seed. Stops a flood of unknown tags from filling memory. */
export const MAX_WAITING_ENVELOPES = 512;
/** Bytes of them together: 1 MiB. */
export const MAX_WAITING_BYTES = 1_048_576;
/** Single numbers that one request for lost chain messages may name. */
export const MAX_REQUESTED_NUMBERS = 128;
/** Bytes of one line of chat in UTF-8: with the frame of a group it still fits one letter. */
export const MAX_TEXT_SIZE = 16_000;
