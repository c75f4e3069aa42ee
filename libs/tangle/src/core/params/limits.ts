/**
 * Every limit of the tangle's wire objects in one place. A decoder checks its limit before it
 * allocates; the comment names the attack that the limit stops. Spec: docs/spec/01-block.md ff.
 */

/** Bytes of one block. Bounds gossip packs, buffers and the cost of hashing one block. */
export const MAX_BLOCK_SIZE = 32_768;
/** Parents of one block. Bounds the edges that one block adds to the DAG. */
export const MAX_PARENTS = 8;
/**
 * Parents of one milestone: as many as its count byte can say. A burst of blocks on the same
 * parents is so wide that 8 parents would confirm 8 of them; bounds a milestone to some 15 KB.
 */
export const MAX_MILESTONE_PARENTS = 255;
/** Parents that a leader names in any case; further ones only for what has waited longest. */
export const MILESTONE_PARENTS_USUAL = 8;
/** Inputs of one transaction. Bounds signature checks that one block can ask for. */
export const MAX_INPUTS = 128;
/** Outputs of one transaction. Bounds ledger growth per block. */
export const MAX_OUTPUTS = 128;
/** Bytes of an output tag or a tagged-data tag. Bounds index keys. */
export const MAX_TAG_SIZE = 64;
/** Bytes of the tagged data that a transaction carries, its type included. */
export const MAX_TRANSACTION_PAYLOAD_SIZE = 8_192;
/** Bytes of an envelope behind the payload type: version, class and tag are 18. */
export const MIN_ENVELOPE_SIZE = 18;
/** Seats of a committee. Bounds certificates and the checks they cost. */
export const MAX_COMMITTEE = 32;
/** Seats that an election gives at most; a committee of the genesis may have more. */
export const ELECTED_MAX = 16;
/** Candidates below which nothing is elected: three seats cannot bear one that fails. */
export const ELECTED_MIN = 4;
/**
 * Bonds that may count in an election: the supply by the least bond that a genesis asks for. Bounds
 * the table that every node keeps in memory and the work of an election.
 */
export const MAX_COUNTED_BONDS = 1n << 20n;
/**
 * Seconds between giving up a validator's bond and taking it: 30 days, in which evidence against
 * what its key signed can still be brought.
 */
export const VALIDATOR_UNBOND_SECONDS = 30 * 24 * 3_600;
/** Whoever brings evidence may keep one of so many parts of a bond; the rest is burnt. */
export const SLASH_REWARD_PARTS = 16n;
/** Bytes of a milestone's options. */
export const MAX_OPTIONS_SIZE = 4_096;
/** Bytes of an encoded milestone: header 249, body, certificate of 32 signatures. */
export const MAX_MILESTONE_SIZE =
  249 + 1 + MAX_MILESTONE_PARENTS * 32 + 2 + MAX_OPTIONS_SIZE + 2_200;
/** Blocks that one milestone may newly reference. Bounds the work of one confirmation. */
export const MAX_CONE = 20_000;
/**
 * Bytes of one gossip pack on the wire. Packs are filled to 48 KiB; one large block may
 * exceed it.
 */
export const MAX_PACK_SIZE = 98_304;
/** Blocks of one gossip pack. */
export const MAX_PACK_BLOCKS = 512;
/** Bytes of one frame of the request protocol. */
export const MAX_FRAME_SIZE = 131_072;
/** Block ids in one request. */
export const MAX_REQUEST_IDS = 256;
/** Milestones in one request. */
export const MAX_REQUEST_MILESTONES = 64;
/** Views of the agreement in one request. Bounds the votes and certificates of one answer. */
export const MAX_REQUEST_VIEWS = 16;
/** Proposals in one request, each of which may bring 15 KB. */
export const MAX_REQUEST_PROPOSALS = 16;
/** Siblings of an audit path: 2^32 leaves. */
export const MAX_AUDIT_PATH = 32;
/** Blocks that may wait for missing parents. Stops a flood of blocks with invented parents. */
export const MAX_UNSOLID = 16_384;
/**
 * Blocks of one source that may wait. A flood from one peer fills a quarter of the room, no more.
 */
export const MAX_UNSOLID_PER_SOURCE = MAX_UNSOLID / 4;
/** Outputs of a genesis document. */
export const MAX_GENESIS_OUTPUTS = 4_096;
/** A tip leaves the pool after this many children. */
export const MAX_TIP_CHILDREN = 30;
/** A tip leaves the pool this long after its first child, in milliseconds. */
export const TIP_AGE_AFTER_FIRST_CHILD_MS = 3_000;
/** Tips kept; the oldest leave first. */
export const MAX_TIPS = 10_000;
/** Parents that tip selection gives to a new block. */
export const TIPS_PER_BLOCK = 4;
/** Non-lazy tips beyond which it gives MAX_PARENTS: a wide tangle becomes narrow twice as fast. */
export const WIDE_TIPS = 128;
/** Levels of the state tree: its keys have 256 bits. */
export const MAX_STATE_PROOF_STEPS = 256;
/** Bytes of an encoded proof that an output is unspent: a count and 34 bytes per level. */
export const MAX_STATE_PROOF_SIZE = 2 + MAX_STATE_PROOF_STEPS * 34;
/**
 * Bytes of a light client's checkpoint: 58 of fixed fields, the keys of a committee, a header, and
 * the digest of the elections that led there.
 */
export const MAX_CHECKPOINT_SIZE = 58 + MAX_COMMITTEE * 32 + 249 + 36;
/** Most bits by which the load term of the proof of work may change from milestone to milestone. */
export const POW_LOAD_STEP_MAX = 1;
/** Age beyond a heartbeat at which a light client calls a milestone stale, in milliseconds. */
export const FRESHNESS_MARGIN_MS = 60_000;
/**
 * Tips that a validator compares exactly when it chooses parents. Bounds the work of a proposal.
 */
export const MAX_HEAVIEST_CANDIDATES = 256;
/** Further ones that stand on what is first in turn; also bounds the work of a proposal. */
export const MAX_CANDIDATES_BY_TURN = 128;
/** Characters of a genesis document's JSON: 4,096 outputs of some 130 each, and 32 keys. */
export const MAX_GENESIS_TEXT_LENGTH = 1_048_576;
/** Bytes of one frame's body in a snapshot: a milestone with a full cone is 647,000. */
export const MAX_SNAPSHOT_FRAME_SIZE = 1_048_576;
/**
 * Elections in a snapshot: with an epoch of an hour, fifteen years in which each hour had another
 * committee. Bounds the file, and what a reader that is lied to keeps.
 */
export const MAX_SNAPSHOT_ELECTIONS = 131_072;
/** Outputs or changes in one frame of a snapshot. Bounds what a reader decodes at a time. */
export const MAX_SNAPSHOT_RECORDS = 4_096;
/**
 * Views beyond our own whose votes and proposals are kept. Stops a member from filling memory with
 * votes for views that nobody will reach; certificates prove progress and are taken from any view.
 */
export const MAX_VIEWS_AHEAD = 64n;
/**
 * Milestones whose filter headers hang together (filter/filter-chain.ts). A node that began with a
 * snapshot, or prunes, can compute the headers of every segment that it has whole.
 */
export const FILTER_SEGMENT = 4_096;
/**
 * Bytes of one answer with the filters of a range of milestones. The filter of a full cone has
 * 53,746, so at least one always fits.
 */
export const MAX_FILTER_RANGE_SIZE = 1_048_576;
