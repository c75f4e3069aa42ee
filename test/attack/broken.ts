/**
 * Broken things of every kind that the wire knows, made from good ones: blocks, packs, milestones,
 * certificates, frames. What makes each of them wrong stands in its name.
 */
import { encodeBlockWithoutNonce } from '@tanglemail/tangle/core/codec/block.ts';
import { encodeFrame } from '@tanglemail/tangle/core/codec/frame.ts';
import type { BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import { GENESIS_BLOCK_ID, idToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  encodeMilestone,
  MILESTONE_HEADER_SIZE,
  type Milestone,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import { encodePack } from '@tanglemail/tangle/core/codec/pack.ts';
import type { Chance } from '../e2e/testing/chance.ts';
import type { BlockMaker } from './blocks.ts';
import type { Lane } from './payloads.ts';
import { nextStep, type Funds } from './payloads.ts';

/** What a good block, milestone or transaction is made from. */
export interface Good {
  readonly maker: BlockMaker;
  readonly chance: Chance;
  readonly tips: readonly BlockId[];
  /** An encoded milestone of the network, with its certificate. */
  readonly milestone: Uint8Array;
  readonly funds: Funds;
  readonly lane: Lane;
}

type Maker = (good: Good) => Uint8Array;

function head({ maker, tips, chance }: Good): Uint8Array {
  const parents = [...new Set(tips)].toSorted();
  const payload = { kind: 'tagged-data', tag: chance.bytes(4), data: chance.bytes(40) } as const;
  return encodeBlockWithoutNonce({ version: 1, networkId: maker.networkId, parents, payload });
}

/** A head with some bytes changed, and work on top, so that only the change is wrong. */
function mined(change: (head: Uint8Array, good: Good) => Uint8Array | undefined): Maker {
  return (good) => {
    const bytes = head(good);
    return good.maker.mine(change(bytes, good) ?? bytes).bytes;
  };
}

function set(at: number, value: number): Maker {
  return mined((bytes) => void (bytes[at] = value));
}

/** A block with a transaction whose last signature byte, or whatever `change` says, is wrong. */
function transaction(change: (bytes: Uint8Array) => void): Maker {
  return ({ maker, funds, lane, tips }) => {
    const { payload } = nextStep(lane, funds, maker, 0);
    const parents = [...new Set(tips)].toSorted();
    const { networkId } = maker;
    const bytes = encodeBlockWithoutNonce({ version: 1, networkId, parents, payload });
    change(bytes);
    return maker.mine(bytes).bytes;
  };
}

/** Each of them is refused with the action `reject`: whoever sends it is at fault. */
export const BROKEN_BLOCKS: Readonly<Record<string, Maker>> = {
  noise: ({ chance }) => chance.bytes(chance.integer(60, 400)),
  short: (good) => good.maker.mine(head(good).subarray(0, 30)).bytes,
  cut: mined((bytes) => bytes.subarray(0, bytes.length - 9)),
  long: mined((bytes, { chance }) => Buffer.concat([bytes, chance.bytes(9)])),
  version: set(0, 9),
  network: mined((bytes) => void (bytes[1] = (bytes[1] ?? 0) ^ 0xff)),
  'no-parents': set(9, 0),
  'nine-parents': set(9, 9),
  'parents-twice': mined((_, { maker }) => {
    const { networkId } = maker;
    const parents = [GENESIS_BLOCK_ID];
    const bytes = encodeBlockWithoutNonce({ version: 1, networkId, parents, payload: null });
    const twice = [...bytes.subarray(0, 10), ...idToBytes(GENESIS_BLOCK_ID), ...bytes.subarray(10)];
    twice[9] = 2;
    return Uint8Array.from(twice);
  }),
  'payload-type': mined((bytes) => void (bytes[10 + 32 * (bytes[9] ?? 0) + 4] = 99)),
  'payload-length': mined((bytes) => void (bytes[10 + 32 * (bytes[9] ?? 0)]! ^= 1)),
  'too-large': ({ chance, maker }) => {
    const bytes = chance.bytes(32_769);
    bytes[0] = 1;
    new DataView(bytes.buffer).setBigUint64(1, maker.networkId, true);
    return bytes;
  },
  'no-work': (good) => {
    const { bytes } = good.maker.mine(head(good));
    // Some nonce reaches nearly nothing; the first that does is taken.
    for (let nonce = 0; nonce < 256; nonce += 1) {
      bytes[bytes.length - 8] = nonce;
      const digest = good.maker.hasher.blake2b256(bytes.subarray(0, -8));
      const work = good.maker.hasher.blake2b256(Buffer.concat([digest, bytes.subarray(-8)]));
      if ((work[0] ?? 0) >= 0x80) break;
    }
    return bytes;
  },
  signature: transaction((bytes) => void (bytes[bytes.length - 1]! ^= 1)),
  'unlock-type': transaction((bytes) => void (bytes[bytes.length - 97] = 77)),
};

/** Gossip messages of blocks that are no pack, and packs with one broken block among good ones. */
export const BROKEN_PACKS: Readonly<Record<string, Maker>> = {
  empty: () => new Uint8Array(),
  none: () => Uint8Array.of(0, 0),
  many: () => Uint8Array.of(0xff, 0xff, 1, 0, 0),
  cut: (good) => encodePack([good.maker.mine(head(good)).bytes]).subarray(0, 90),
  long: (good) => Buffer.concat([encodePack([good.maker.mine(head(good)).bytes]), Buffer.alloc(3)]),
  noise: ({ chance }) => chance.bytes(chance.integer(1, 500)),
};

function withMilestone(change: (milestone: Milestone, good: Good) => Milestone): Maker {
  return (good) => {
    const decoded = decodeMilestone(good.milestone);
    if (!decoded.ok) throw new Error(`the node's own milestone: ${decoded.code}`);
    return encodeMilestone(change(decoded.value, good));
  };
}

/** Milestones and certificates that prove nothing. */
export const BROKEN_MILESTONES: Readonly<Record<string, Maker>> = {
  noise: ({ chance }) => chance.bytes(chance.integer(1, 900)),
  cut: ({ milestone }) => milestone.subarray(0, MILESTONE_HEADER_SIZE + 20),
  long: ({ milestone }) => Buffer.concat([milestone, Buffer.alloc(1)]),
  large: ({ chance }) => chance.bytes(30_000),
  ahead: withMilestone((one, { chance }) => ({
    ...one,
    header: { ...one.header, index: one.header.index + chance.integer(1, 1_000_000) },
  })),
  'other-state': withMilestone((one, { chance }) => ({
    ...one,
    header: { ...one.header, index: one.header.index + 1, stateRoot: chance.bytes(32) },
  })),
  'certificate-signature': withMilestone((one, { chance }) => ({
    ...one,
    header: { ...one.header, timestampMs: one.header.timestampMs + 1 },
    certificate: { ...one.certificate, signatures: [chance.bytes(64)] },
  })),
  'certificate-empty': withMilestone((one) => ({
    ...one,
    header: { ...one.header, index: one.header.index + 1 },
    certificate: { ...one.certificate, signers: [], signatures: [] },
  })),
  'certificate-kind': withMilestone((one) => ({
    ...one,
    header: { ...one.header, index: one.header.index + 1 },
    certificate: { ...one.certificate, kind: 'notarize' },
  })),
};

/** What no peer of the request protocol sends. */
export const BROKEN_FRAMES: Readonly<Record<string, Maker>> = {
  noise: ({ chance }) => chance.bytes(chance.integer(5, 500)),
  nothing: () => Uint8Array.of(0, 0, 0, 0, 1),
  huge: () => Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1),
  'type-unknown': () => Uint8Array.of(2, 0, 0, 0, 250, 0),
  'status-cut': () => Uint8Array.of(3, 0, 0, 0, 1, 0, 0),
  'request-without-ids': () => Uint8Array.of(7, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0),
  'question-about-nothing': () => Uint8Array.of(11, 0, 0, 0, 10, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0),
  'answer-unasked': ({ chance }) =>
    encodeFrame({
      type: 'blocks',
      requestId: chance.integer(0, 1_000),
      end: 'complete',
      items: [chance.bytes(100)],
    }),
};
