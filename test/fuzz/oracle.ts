/**
 * The wire formats a second time, declared with micro-packed from the byte tables of docs/spec. The
 * fuzz tests hold the hand-written codecs to these declarations, and the benchmark compares with
 * them. Each coder decodes to the same objects as the codec beside it.
 */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import * as P from 'micro-packed';
import type {
  Address,
  BlockId,
  MilestoneId,
  OutputId,
} from '../../libs/tangle/src/core/codec/ids.ts';
import type { Block } from '../../libs/tangle/src/core/codec/block.ts';
import type { Checkpoint } from '../../libs/tangle/src/core/codec/checkpoint.ts';
import type { Certificate } from '../../libs/tangle/src/core/codec/certificate.ts';
import type { ConsensusMessage } from '../../libs/tangle/src/core/codec/consensus.ts';
import type { Frame } from '../../libs/tangle/src/core/codec/frame.ts';
import type { Milestone, MilestoneOptions } from '../../libs/tangle/src/core/codec/milestone.ts';
import type { Output } from '../../libs/tangle/src/core/codec/output.ts';
import type { Payload } from '../../libs/tangle/src/core/codec/payload.ts';
import type { TaggedData } from '../../libs/tangle/src/core/codec/tagged-data.ts';
import type { Transaction } from '../../libs/tangle/src/core/codec/transaction.ts';
import type { Unlock } from '../../libs/tangle/src/core/codec/unlock.ts';
import type { Voucher } from '../../libs/tangle/src/core/codec/voucher.ts';
import type { AuditPath } from '../../libs/tangle/src/core/crypto/merkle.ts';

/** Refuses a value that breaks a condition. */
function demand<T>(inner: P.CoderType<T>, condition: (value: T) => boolean): P.CoderType<T> {
  return P.validate(inner, (value) => {
    if (!condition(value)) throw new Error('condition does not hold');
    return value;
  });
}

/** Converts between the shape on the wire and the shape of the library. */
function shape<W, T>(inner: P.CoderType<W>, encode: (wire: W) => T, decode: (value: T) => W) {
  return P.apply(inner, { encode, decode });
}

function hex<T extends string>(length: number): P.CoderType<T> {
  return shape(
    P.bytes(length),
    (bytes) => bytesToHex(bytes) as T,
    (text) => hexToBytes(text),
  );
}

const id32 = P.bytes(32);
const signature = P.bytes(64);
const tag = demand(P.bytes(P.U8), (bytes) => bytes.length >= 1 && bytes.length <= 64);
const seconds = demand(P.U32LE, (value) => value > 0);
const address = hex<Address>(32);

const ascending = demand(
  P.array(P.U8, hex<BlockId>(32)),
  (ids) => ids.length >= 1 && ids.every((one, i) => i === 0 || ids[i - 1]! < one),
);
const parents = demand(ascending, (ids) => ids.length <= 8);

const expiration = P.struct({ unixSeconds: seconds, returnAddress: address });
const basic = P.struct({
  amount: P.U64LE,
  address,
  options: P.mappedTag(P.U8, {
    none: [0, P.struct({})],
    tag: [1, P.struct({ tag })],
    timelock: [2, P.struct({ timelock: seconds })],
    tagTimelock: [3, P.struct({ tag, timelock: seconds })],
    expiration: [4, P.struct({ expiration })],
    tagExpiration: [5, P.struct({ tag, expiration })],
    timelockExpiration: [6, P.struct({ timelock: seconds, expiration })],
    all: [7, P.struct({ tag, timelock: seconds, expiration })],
  }),
});
const OPTION_NAMES = [
  'none',
  'tag',
  'timelock',
  'tagTimelock',
  'expiration',
  'tagExpiration',
  'timelockExpiration',
  'all',
] as const;
const channel = P.struct({
  amount: P.U64LE,
  payerPublicKey: id32,
  payee: address,
  refundAddress: address,
  expiry: P.U32LE,
});
const bond = P.struct({ amount: P.U64LE, publicKey: id32, owner: address, unbondAt: P.U32LE });
const anyOutput = P.mappedTag(P.U8, {
  basic: [0x01, basic],
  channel: [0x10, channel],
  'validator-bond': [0x13, bond],
});

type OutputWire = P.UnwrapCoder<typeof anyOutput>;

function outputToWire(output: Output): OutputWire {
  if (output.kind === 'channel') {
    const { kind: _kind, ...data } = output;
    return { TAG: 'channel', data };
  }
  if (output.kind === 'validator-bond') {
    const { kind: _kind, ...data } = output;
    return { TAG: 'validator-bond', data };
  }
  const { kind: _kind, amount, address: owner, ...data } = output;
  const flags =
    ('tag' in data ? 1 : 0) + ('timelock' in data ? 2 : 0) + ('expiration' in data ? 4 : 0);
  const options = { TAG: OPTION_NAMES[flags]!, data };
  return { TAG: 'basic', data: { amount, address: owner, options } } as OutputWire;
}

function outputFromWire(wire: OutputWire): Output {
  if (wire.TAG === 'channel') return { kind: 'channel', ...wire.data };
  if (wire.TAG === 'validator-bond') return { kind: 'validator-bond', ...wire.data };
  const { options, ...rest } = wire.data;
  return { kind: 'basic', ...rest, ...options.data };
}

export const oracleOutput: P.CoderType<Output> = shape(anyOutput, outputFromWire, outputToWire);

const STATEMENTS = { notarize: 1, nullify: 2, finalize: 3, propose: 4, ratify: 5 } as const;
const signedDigest = P.struct({
  kind: P.map(P.U8, STATEMENTS) as P.CoderType<keyof typeof STATEMENTS>,
  digest: id32,
  signature,
});
const evidence = demand(
  P.struct({ epoch: P.U32LE, view: P.U64LE, statements: P.tuple([signedDigest, signedDigest]) }),
  ({ statements }) => {
    const [a, b] = statements.map((one) => `${STATEMENTS[one.kind]}${bytesToHex(one.digest)}`);
    return a! < b!;
  },
);

const unlockWire = P.mappedTag(P.U8, {
  signature: [0, P.struct({ publicKey: id32, signature })],
  reference: [1, P.struct({ index: P.U16LE })],
  'channel-claim': [
    2,
    P.struct({ publicKey: id32, signature, cumulative: P.U64LE, voucherSignature: signature }),
  ],
  evidence: [3, evidence],
});
type UnlockWire = P.UnwrapCoder<typeof unlockWire>;

const unlock: P.CoderType<Unlock> = shape(
  unlockWire,
  (wire) => ({ kind: wire.TAG, ...wire.data }) as Unlock,
  ({ kind, ...data }) => ({ TAG: kind, data }) as UnlockWire,
);

const taggedDataBody = P.struct({ tag, data: P.bytes(P.U32LE) });
const taggedDataWire = P.mappedTag(P.U32LE, { 'tagged-data': [3, taggedDataBody] });
const oracleTaggedData: P.CoderType<TaggedData> = shape(
  taggedDataWire,
  (wire) => ({ kind: 'tagged-data', ...wire.data }),
  ({ kind, ...data }) => ({ TAG: kind, data }),
);

/** A coder behind its length; length 0 stands for null. */
function optional<T>(inner: P.CoderType<T>, maxSize: number): P.CoderType<T | null> {
  return shape(
    demand(P.bytes(P.U32LE), (bytes) => bytes.length <= maxSize),
    (bytes) => (bytes.length === 0 ? null : inner.decode(bytes)),
    (value) => (value === null ? new Uint8Array(0) : inner.encode(value)),
  );
}

const isCount128 = (list: readonly unknown[]): boolean => list.length >= 1 && list.length <= 128;
const transactionBody = demand(
  P.struct({
    networkId: P.U64LE,
    inputs: demand(P.array(P.U8, hex<OutputId>(34)), isCount128),
    outputs: demand(P.array(P.U8, oracleOutput), isCount128),
    payload: optional(oracleTaggedData, 8_192),
    unlocks: P.array(null, unlock),
  }),
  (value) => value.unlocks.length === value.inputs.length,
);

const payloadWire = P.mappedTag(P.U32LE, {
  transaction: [1, transactionBody],
  envelope: [2, P.struct({ bytes: demand(P.bytes(null), (bytes) => bytes.length >= 18) })],
  'tagged-data': [3, taggedDataBody],
});
type PayloadWire = P.UnwrapCoder<typeof payloadWire>;

export const oraclePayload: P.CoderType<Payload> = shape(
  payloadWire,
  (wire) => ({ kind: wire.TAG, ...wire.data }) as Payload,
  ({ kind, ...data }) => ({ TAG: kind, data }) as PayloadWire,
);

export const oracleTransaction: P.CoderType<Transaction> = shape(
  demand(oraclePayload, (payload) => payload.kind === 'transaction'),
  (payload) => payload as Transaction,
  (transaction) => transaction,
);

const version = shape(
  demand(P.U8, (value) => value === 1),
  () => 1 as const,
  (value) => value as number,
);

export const oracleBlock: P.CoderType<Block> = shape(
  P.struct({
    version,
    networkId: P.U64LE,
    parents,
    payload: optional(oraclePayload, 32_768),
    nonce: P.U64LE,
  }),
  (wire) => wire as Block,
  (block) => block as Block & { parents: BlockId[] },
);

const KINDS = { notarize: 1, nullify: 2, finalize: 3, ratify: 5 } as const;
const certificateWire = P.struct({
  kind: P.map(P.U8, KINDS) as P.CoderType<keyof typeof KINDS>,
  epoch: P.U32LE,
  view: P.U64LE,
  digest: id32,
  bitmap: demand(P.bytes(P.U8), (bytes) => bytes.length >= 1 && bytes.length <= 4),
  signatures: P.array(P.U8, signature),
});

function seatsOf(bitmap: Uint8Array): number[] {
  return [...bitmap].flatMap((byte, i) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) % 2 === 1).map((bit) => i * 8 + bit),
  );
}

export const oracleCertificate: P.CoderType<Certificate> = shape(
  demand(
    certificateWire,
    (wire) =>
      seatsOf(wire.bitmap).length === wire.signatures.length &&
      (wire.kind !== 'nullify' || wire.digest.every((byte) => byte === 0)),
  ),
  ({ bitmap, ...wire }): Certificate => ({
    ...wire,
    bitmapLength: bitmap.length,
    signers: seatsOf(bitmap),
  }),
  ({ signers, bitmapLength, signatures, ...rest }) => {
    const bitmap = Uint8Array.from({ length: bitmapLength }, (_, i) =>
      signers.filter((seat) => seat >> 3 === i).reduce((byte, seat) => byte | (1 << (seat % 8)), 0),
    );
    return { ...rest, bitmap, signatures: [...signatures] };
  },
);

const u53 = shape(
  demand(P.U64LE, (value) => value < 2n ** 53n),
  Number,
  BigInt,
);
const header = P.struct({
  version,
  epoch: P.U32LE,
  index: P.U32LE,
  view: P.U64LE,
  timestampMs: u53,
  previousId: hex<MilestoneId>(32),
  parentsRoot: id32,
  inclusionRoot: id32,
  appliedRoot: id32,
  stateRoot: id32,
  committeeRoot: id32,
  optionsRoot: id32,
});
const keyList = demand(P.array(P.U8, id32), (keys) => keys.length >= 1 && keys.length <= 32);
const options = shape(
  demand(
    P.array(null, P.struct({ type: P.U8, value: P.bytes(P.U16LE) })),
    (list) =>
      list.every(({ type }, i) => (type === 1 || type === 2) && type > (list[i - 1]?.type ?? 0)) &&
      list.every(({ type, value }) => type === 2 || value.length === 1),
  ),
  (list): MilestoneOptions => {
    const [load, keys] = [1, 2].map((type) => list.find((one) => one.type === type)?.value);
    return {
      ...(load && { powLoadBits: load[0]! }),
      ...(keys && { nextCommittee: keyList.decode(keys) }),
    };
  },
  ({ powLoadBits, nextCommittee }) => [
    ...(powLoadBits === undefined ? [] : [{ type: 1, value: Uint8Array.of(powLoadBits) }]),
    ...(nextCommittee === undefined
      ? []
      : [{ type: 2, value: keyList.encode([...nextCommittee]) }]),
  ],
);

const body = P.struct({ parents: ascending, options: P.prefix(P.U16LE, options) });

export const oracleMilestone: P.CoderType<Milestone> = shape(
  P.struct({
    header,
    body,
    certificate: oracleCertificate,
  }),
  (wire) => wire as Milestone,
  (milestone) => milestone as Milestone & { body: { parents: BlockId[] } },
);

const consensusWire = P.mappedTag(P.U8, {
  proposal: [1, P.struct({ epoch: P.U32LE, view: P.U64LE, signature, header, body })],
  vote: [
    2,
    demand(
      P.struct({
        kind: P.map(P.U8, KINDS) as P.CoderType<keyof typeof KINDS>,
        epoch: P.U32LE,
        view: P.U64LE,
        digest: id32,
        seat: P.U8,
        signature,
      }),
      (vote) => vote.kind !== 'nullify' || vote.digest.every((byte) => byte === 0),
    ),
  ],
  certificate: [3, oracleCertificate],
});
type ConsensusWire = P.UnwrapCoder<typeof consensusWire>;

export const oracleConsensusMessage: P.CoderType<ConsensusMessage> = shape(
  consensusWire,
  ({ TAG, data }) => ({ type: TAG, [TAG]: data }) as unknown as ConsensusMessage,
  (message) =>
    ({
      TAG: message.type,
      data: (message as unknown as Record<string, unknown>)[message.type],
    }) as ConsensusWire,
);

/** At least 1. */
const positive = demand(P.U32LE, (value) => value > 0);
export const oracleCheckpoint: P.CoderType<Checkpoint> = shape(
  P.struct({
    version,
    networkId: P.U64LE,
    genesisId: hex<MilestoneId>(32),
    params: P.struct({ epochLength: positive, heartbeatMs: positive, maxDriftMs: P.U32LE }),
    epoch: P.U32LE,
    committee: demand(P.array(P.U8, id32), (keys) => keys.length >= 1 && keys.length <= 32),
    newest: header,
    followed: P.flagged('epoch', P.struct({ elections: positive, digest: id32 })),
  }),
  ({ version: _version, followed, ...rest }): Checkpoint => {
    if (followed === undefined) return rest;
    if (followed.elections > rest.epoch) throw new Error('condition does not hold');
    return { ...rest, followed };
  },
  (checkpoint) => ({
    version: 1 as const,
    ...checkpoint,
    committee: [...checkpoint.committee],
    followed: checkpoint.followed,
  }),
);

/** Frames 10 and 11 of the request protocol, without their length. */
export type ConsensusFrame = Extract<Frame, { type: 'get-consensus' | 'consensus' }>;
const getConsensus = P.struct({
  requestId: P.U32LE,
  epoch: P.U32LE,
  views: P.array(P.U8, P.U64LE),
  ids: P.array(P.U8, hex<MilestoneId>(32)),
});
const isItem = ({ length }: Uint8Array): boolean => length >= 1 && length <= 14_785;
const frameWire = P.mappedTag(P.U8, {
  'get-consensus': [
    10,
    demand(
      getConsensus,
      ({ views, ids }) => views.length <= 16 && ids.length <= 16 && views.length + ids.length > 0,
    ),
  ],
  consensus: [
    11,
    P.struct({
      requestId: P.U32LE,
      end: P.map(P.U8, { more: 0, complete: 1, cut: 2 }) as P.CoderType<'more'>,
      items: demand(
        P.array(P.U16LE, demand(P.bytes(P.U16LE), isItem)),
        ({ length }) => length <= 2_048,
      ),
    }),
  ],
});
type FrameWire = P.UnwrapCoder<typeof frameWire>;

export const oracleConsensusFrame: P.CoderType<ConsensusFrame> = shape(
  frameWire,
  ({ TAG, data }) => ({ type: TAG, ...data }) as ConsensusFrame,
  ({ type, ...data }) => ({ TAG: type, data }) as FrameWire,
);

export const oracleVoucher: P.CoderType<Voucher> = P.struct({
  channelId: hex<OutputId>(34),
  cumulative: P.U64LE,
  signature,
});

const wireBlock = demand(P.bytes(P.U16LE), (bytes) => bytes.length >= 1 && bytes.length <= 32_768);
export const oraclePack: P.CoderType<Uint8Array[]> = demand(
  P.array(P.U16LE, wireBlock),
  (blocks) => blocks.length >= 1 && blocks.length <= 512,
);

/** Siblings of leaf `index` of `size` by the definition: split at the largest power of two. */
function siblingCount(index: number, size: number): number {
  if (size <= 1) return 0;
  let split = 1;
  while (split * 2 < size) split *= 2;
  return (
    1 + (index < split ? siblingCount(index, split) : siblingCount(index - split, size - split))
  );
}

export const oracleAuditPath: P.CoderType<AuditPath> = shape(
  demand(
    P.struct({ size: P.U32LE, index: P.U32LE, siblings: P.array(null, id32) }),
    ({ size, index, siblings }) => index < size && siblings.length === siblingCount(index, size),
  ),
  (wire): AuditPath => wire,
  (path) => ({ ...path, siblings: [...path.siblings] }),
);
