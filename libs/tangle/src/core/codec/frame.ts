/**
 * Frames of the request protocol between nodes: `length u32 | type u8 | body`. Requests carry an id
 * that their answer repeats; an answer is one or more frames, the last of which says how it ends.
 * Path: io/libp2p on both sides. Spec: docs/spec/07-gossip.md.
 */
import { assert, type Outcome } from '../outcome.ts';
import {
  MAX_BLOCK_SIZE,
  MAX_COMMITTEE,
  MAX_FRAME_SIZE,
  MAX_MILESTONE_SIZE,
  MAX_REQUEST_IDS,
  MAX_REQUEST_MILESTONES,
  MAX_REQUEST_PROPOSALS,
  MAX_REQUEST_VIEWS,
} from '../params/limits.ts';
import { MAX_CONSENSUS_SIZE } from './consensus.ts';
import { ID_LENGTH, type BlockId, type MilestoneId } from './ids.ts';
import { blockListSize } from './pack.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Bytes of the length in front of a frame; the length counts type and body. */
export const FRAME_LENGTH_BYTES = 4;
/** Bytes of blocks or milestones in one whole answer. Bounds the memory that an answer takes. */
export const MAX_ANSWER_SIZE = 4 << 20;
/** An answer's frame is filled up to so many bytes of items; one large block may exceed it. */
export const ANSWER_FRAME_SIZE = 64 * 1024;
/** Items of one answer frame: what 64 KiB hold of the least blocks. */
export const MAX_FRAME_ITEMS = 2_048;
/** Items of the longest CONSENSUS answer: of each view 4 votes of every seat, 4 certificates. */
export const MAX_CONSENSUS_ANSWER_ITEMS =
  MAX_REQUEST_VIEWS * (4 * MAX_COMMITTEE + 4) + MAX_REQUEST_PROPOSALS;
/**
 * Bytes of items in one CONSENSUS answer. The largest honest one has 16 views of 128 votes of 111
 * bytes and 4 certificates of 2,100, and 16 proposals of 14,785: in all 598,288.
 */
export const MAX_CONSENSUS_ANSWER = 640 * 1024;

/** What a node tells its neighbours about itself, and the heartbeat of the connection. */
export interface SyncStatus {
  /** The last milestone whose cone is stored and applied here. */
  readonly solidIndex: number;
  /** The last milestone known here. */
  readonly latestIndex: number;
  /** Milestones up to this one were pruned here; 0 when everything is kept. */
  readonly prunedIndex: number;
  /** Connected peers, at most 65,535. */
  readonly peers: number;
}

/**
 * How an answer goes on. `more`: frames follow. `complete`: this was all there is. `cut`: the
 * answer reached its size limit; ask again for the rest.
 */
export type AnswerEnd = 'more' | 'complete' | 'cut';

/**
 * Why a request was not answered. `busy`: ask again later. `failed`: an error on the other side.
 */
export type RefusalReason = 'busy' | 'failed';

/** Ids of requests are u32, chosen by the asking side, unique among those under way. */
export type Frame =
  | { readonly type: 'status'; readonly status: SyncStatus }
  | { readonly type: 'get-blocks'; readonly requestId: number; readonly ids: readonly BlockId[] }
  | {
      readonly type: 'blocks' | 'milestones';
      readonly requestId: number;
      readonly end: AnswerEnd;
      /** Encoded blocks or milestones; decoding shares memory with the frame. */
      readonly items: readonly Uint8Array[];
    }
  | {
      readonly type: 'get-milestones';
      readonly requestId: number;
      readonly fromIndex: number;
      /** 1–64. */
      readonly count: number;
    }
  | {
      readonly type: 'get-cone';
      readonly requestId: number;
      readonly index: number;
      /** Blocks to leave out at the start of the white-flag order: what the asker has already. */
      readonly skip: number;
    }
  | {
      readonly type: 'get-cones';
      readonly requestId: number;
      readonly fromIndex: number;
      /** 1–64. */
      readonly count: number;
    }
  | {
      readonly type: 'cones';
      readonly requestId: number;
      readonly end: AnswerEnd;
      /** Blocks of one cone after the other; an item without bytes ends a cone. */
      readonly items: readonly Uint8Array[];
    }
  | {
      readonly type: 'get-consensus';
      readonly requestId: number;
      /** u32. */
      readonly epoch: number;
      /** Views of the epoch, at most 16; there may be none when there are ids. */
      readonly views: readonly bigint[];
      /** Milestones whose proposals are asked for, at most 16; there may be none. */
      readonly ids: readonly MilestoneId[];
    }
  | {
      readonly type: 'consensus';
      readonly requestId: number;
      readonly end: AnswerEnd;
      /** Encoded consensus messages, without an attempt. */
      readonly items: readonly Uint8Array[];
    }
  | { readonly type: 'error'; readonly requestId: number; readonly reason: RefusalReason };

export type FrameType = Frame['type'];
/** Frames that carry an answer's items. */
export type AnswerType = 'blocks' | 'milestones' | 'cones' | 'consensus';

/** Type bytes; numbers are never reused. */
const TYPE_BYTES = {
  status: 1,
  'get-blocks': 2,
  blocks: 3,
  'get-milestones': 4,
  milestones: 5,
  'get-cone': 6,
  error: 7,
  'get-cones': 8,
  cones: 9,
  'get-consensus': 10,
  consensus: 11,
} as const satisfies Record<FrameType, number>;

const VIEW_BYTES = 8;
const ENDS: readonly AnswerEnd[] = ['more', 'complete', 'cut'];
const REASONS: readonly RefusalReason[] = ['busy', 'failed'];

/** The whole frame with its length, ready to be sent. Throws if it exceeds the limits. */
export function encodeFrame(frame: Frame): Uint8Array {
  const length = 1 + bodySize(frame);
  assert(length <= MAX_FRAME_SIZE, 'a frame fits its limit');
  const writer = new Writer(FRAME_LENGTH_BYTES + length);
  writer.u32(length);
  writer.u8(TYPE_BYTES[frame.type]);
  if (frame.type !== 'status') writer.u32(frame.requestId);
  writeBody(writer, frame);
  return writer.finish();
}

/** Decodes type and body: what follows the length. */
export function decodeFrame(bytes: Uint8Array): Outcome<Frame> {
  return decodeWith(bytes, MAX_FRAME_SIZE, readFrame);
}

function bodySize(frame: Frame): number {
  switch (frame.type) {
    case 'status':
      return 14;
    case 'get-blocks':
      return 6 + frame.ids.length * ID_LENGTH;
    case 'blocks':
    case 'milestones':
    case 'cones':
    case 'consensus':
      return 7 + blockListSize(frame.items);
    case 'get-consensus':
      return 10 + frame.views.length * VIEW_BYTES + frame.ids.length * ID_LENGTH;
    case 'get-milestones':
    case 'get-cones':
      return 10;
    case 'get-cone':
      return 12;
    default:
      return 5;
  }
}

function writeBody(writer: Writer, frame: Frame): void {
  switch (frame.type) {
    case 'status':
      writer.u32(frame.status.solidIndex);
      writer.u32(frame.status.latestIndex);
      writer.u32(frame.status.prunedIndex);
      writer.u16(frame.status.peers);
      return;
    case 'get-blocks':
      writer.count16(frame.ids.length, 1, MAX_REQUEST_IDS);
      for (const id of frame.ids) writer.hex(id, ID_LENGTH);
      return;
    case 'blocks':
    case 'milestones':
    case 'cones':
    case 'consensus':
      writeItems(writer, frame.type, frame.end, frame.items);
      return;
    case 'get-milestones':
    case 'get-cones':
      writer.u32(frame.fromIndex);
      writer.count16(frame.count, 1, MAX_REQUEST_MILESTONES);
      return;
    case 'get-cone':
      writer.u32(frame.index);
      writer.u32(frame.skip);
      return;
    case 'get-consensus':
      writer.u32(frame.epoch);
      writer.count8(frame.views.length, 0, MAX_REQUEST_VIEWS);
      for (const view of frame.views) writer.u64(view);
      writer.count8(frame.ids.length, leastIds(frame.views.length), MAX_REQUEST_PROPOSALS);
      for (const id of frame.ids) writer.hex(id, ID_LENGTH);
      return;
    case 'error':
      writer.u8(REASONS.indexOf(frame.reason) + 1);
  }
}

function writeItems(
  writer: Writer,
  type: AnswerType,
  end: AnswerEnd,
  items: readonly Uint8Array[],
): void {
  writer.u8(ENDS.indexOf(end));
  writer.count16(items.length, 0, MAX_FRAME_ITEMS);
  for (const item of items) {
    writer.count16(item.length, minItemSize(type), maxItemSize(type));
    writer.raw(item);
  }
}

function minItemSize(type: AnswerType): number {
  return type === 'cones' ? 0 : 1;
}

function maxItemSize(type: AnswerType): number {
  switch (type) {
    case 'milestones':
      return MAX_MILESTONE_SIZE;
    case 'consensus':
      return MAX_CONSENSUS_SIZE;
    default:
      return MAX_BLOCK_SIZE;
  }
}

/** Who asks for no view asks for a proposal: a request for nothing is no request. */
function leastIds(views: number): number {
  return views === 0 ? 1 : 0;
}

function readFrame(reader: Reader): Frame {
  const type = reader.u8();
  switch (type) {
    case TYPE_BYTES.status:
      return { type: 'status', status: readStatus(reader) };
    case TYPE_BYTES['get-blocks']:
      return { type: 'get-blocks', requestId: reader.u32(), ids: readIds(reader) };
    case TYPE_BYTES.blocks:
      return readAnswer(reader, 'blocks');
    case TYPE_BYTES['get-milestones']:
      return readRange(reader, 'get-milestones');
    case TYPE_BYTES['get-cones']:
      return readRange(reader, 'get-cones');
    case TYPE_BYTES.milestones:
      return readAnswer(reader, 'milestones');
    case TYPE_BYTES.cones:
      return readAnswer(reader, 'cones');
    case TYPE_BYTES['get-consensus']:
      return readGetConsensus(reader);
    case TYPE_BYTES.consensus:
      return readAnswer(reader, 'consensus');
    case TYPE_BYTES['get-cone']:
      return {
        type: 'get-cone',
        requestId: reader.u32(),
        index: reader.u32(),
        skip: reader.u32(),
      };
    case TYPE_BYTES.error:
      return { type: 'error', requestId: reader.u32(), reason: readReason(reader) };
    default:
      return refuse('frame-type-unknown', `type ${type}`);
  }
}

function readStatus(reader: Reader): SyncStatus {
  return {
    solidIndex: reader.u32(),
    latestIndex: reader.u32(),
    prunedIndex: reader.u32(),
    peers: reader.u16(),
  };
}

function readIds(reader: Reader): BlockId[] {
  const count = reader.count16(1, MAX_REQUEST_IDS);
  const ids: BlockId[] = [];
  for (let i = 0; i < count; i++) ids.push(reader.hex(ID_LENGTH) as BlockId);
  return ids;
}

function readRange(reader: Reader, type: 'get-milestones' | 'get-cones'): Frame {
  return {
    type,
    requestId: reader.u32(),
    fromIndex: reader.u32(),
    count: reader.count16(1, MAX_REQUEST_MILESTONES),
  };
}

function readGetConsensus(reader: Reader): Frame {
  const requestId = reader.u32();
  const epoch = reader.u32();
  const views: bigint[] = [];
  const viewCount = reader.count8(0, MAX_REQUEST_VIEWS);
  for (let i = 0; i < viewCount; i++) views.push(reader.u64());
  const idCount = reader.count8(leastIds(viewCount), MAX_REQUEST_PROPOSALS);
  const ids = reader.hexList(idCount, ID_LENGTH) as MilestoneId[];
  return { type: 'get-consensus', requestId, epoch, views, ids };
}

function readAnswer(reader: Reader, type: AnswerType): Frame {
  const requestId = reader.u32();
  const end = ENDS[reader.count8(0, ENDS.length - 1)]!;
  const count = reader.count16(0, MAX_FRAME_ITEMS);
  const items: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    items.push(reader.view(reader.count16(minItemSize(type), maxItemSize(type))));
  }
  return { type, requestId, end, items };
}

function readReason(reader: Reader): RefusalReason {
  return REASONS[reader.count8(1, REASONS.length) - 1]!;
}
