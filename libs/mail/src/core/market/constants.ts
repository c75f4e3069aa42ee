/**
 * The times and limits of the storage market. All times are seconds of ledger time (the timestamp
 * of the confirming milestone) unless the name ends in `Ms`. They are values with defaults, not
 * literals in the code, so that a development network can shorten a channel and a test can move
 * its clock; both sides of a real deal use `MARKET_TIMES`. Spec: docs/spec/31-channel-voucher.md.
 */

const HOUR = 3_600;
export const DAY_SECONDS = 86_400;

/** Deadlines that both sides of a channel compute. */
export interface MarketTimes {
  /** A provider takes no voucher later than `expiry − sellStop`. */
  readonly sellStop: number;
  /** A provider starts to claim at `expiry − claimStart`. */
  readonly claimStart: number;
  /** A claim still unconfirmed at `expiry − claimAlarm` raises an alarm. */
  readonly claimAlarm: number;
  /** Life of a 402 challenge. */
  readonly challengeLife: number;
  /** Life of a session token. */
  readonly sessionLife: number;
  /** Life of a login nonce. */
  readonly loginLife: number;
  /** Life of a stored answer under an idempotency key. */
  readonly idempotencyLife: number;
  /** Time for which announced parts wait for the envelope with their tag. */
  readonly uploadLife: number;
  /** Time after that envelope in which the rest of the parts may come. */
  readonly uploadRest: number;
  /** Time for which an object without payment is held. */
  readonly heldLife: number;
  /** Time for which an expired object stays readable at double egress. */
  readonly purgeGrace: number;
  /** Ledger lag from which a provider sells nothing and a client buys nothing. */
  readonly maxLedgerLag: number;
  /** Difference of wall clocks that signed requests tolerate. */
  readonly maxClockSkew: number;
}

/** The times of storage-market §5.10. */
export const MARKET_TIMES: MarketTimes = {
  sellStop: 24 * HOUR,
  claimStart: 48 * HOUR,
  claimAlarm: 6 * HOUR,
  challengeLife: 300,
  sessionLife: 900,
  loginLife: 120,
  idempotencyLife: 24 * HOUR,
  uploadLife: 24 * HOUR,
  uploadRest: 72 * HOUR,
  heldLife: 72 * HOUR,
  purgeGrace: 24 * HOUR,
  maxLedgerLag: 120,
  maxClockSkew: 120,
};

/** Default life of a channel that a client opens, in seconds. */
export const DEFAULT_CHANNEL_TTL = 60 * DAY_SECONDS;
/** Channels in one claim transaction: 64 claim unlocks of 169 B stay far below a block's size. */
export const MAX_CLAIM_CHANNELS = 64;
/** Exact tags of one mailbox. Bounds the index that a paying stranger can make a provider keep. */
export const MAX_MAILBOX_TAGS = 65_536;
/** Stranger buckets of one mailbox: a few sub-addresses, today's and yesterday's bucket each. */
export const MAX_MAILBOX_BUCKETS = 64;
/** Tags in one filter request. */
export const MAX_FILTER_PATCH = 4_096;
/** Bits of a stranger bucket's prefix. */
export const MAX_BUCKET_BITS = 24;
/** Parts that may be announced under one tag: those of the largest parcel and some more. */
export const MAX_UPLOAD_PARTS = 64;
/** Bytes of parts under one tag, and the default of a mailbox's own limit: 36 MiB. */
export const MAX_UPLOAD_BYTES = 36 * 1_048_576;
/** Uploads at once under one tag; one sender must not take all places. */
export const MAX_TAG_UPLOADS = 4;
/** Bytes of a delivery tag (mail.md §4). */
export const TAG_LENGTH = 16;
/** Bytes of the id of a mailbox's log. */
export const LOG_ID_LENGTH = 16;
/** First bytes of a held envelope that a list hands out, enough to scan for one's own mail. */
export const HELD_HEAD_LENGTH = 64;
/** Envelopes under one exact tag that are held beside the one that was charged for it. */
export const MAX_TAG_COPIES = 3;
/** How long it is remembered that an exact tag was used: a ticket is spent once, seconds. */
export const TICKET_LIFE = 21 * DAY_SECONDS;
/** Entries of one page of a log or of a list of held objects. */
export const MAX_PAGE = 1_000;
