/** Random valid wire objects and random mutants of their bytes, reproducible from one seed. */
import type { Block } from '../../libs/tangle/src/core/codec/block.ts';
import type { Checkpoint } from '../../libs/tangle/src/core/codec/checkpoint.ts';
import type { Certificate } from '../../libs/tangle/src/core/codec/certificate.ts';
import type { ConsensusMessage } from '../../libs/tangle/src/core/codec/consensus.ts';
import {
  bytesToHex,
  type Address,
  type BlockId,
  type MilestoneId,
  type OutputId,
} from '../../libs/tangle/src/core/codec/ids.ts';
import type { Milestone, MilestoneHeader } from '../../libs/tangle/src/core/codec/milestone.ts';
import type { Output } from '../../libs/tangle/src/core/codec/output.ts';
import type { Payload } from '../../libs/tangle/src/core/codec/payload.ts';
import type { TaggedData } from '../../libs/tangle/src/core/codec/tagged-data.ts';
import type { Transaction } from '../../libs/tangle/src/core/codec/transaction.ts';
import { compareStatements, type Unlock } from '../../libs/tangle/src/core/codec/unlock.ts';
import type { Voucher } from '../../libs/tangle/src/core/codec/voucher.ts';
import type { ConsensusFrame } from './oracle.ts';

/** A small seeded generator (mulberry32); plenty for tests, useless for keys. */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A uniform u32. */
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer in [minimum, maximum]. */
  between(minimum: number, maximum: number): number {
    return minimum + (this.u32() % (maximum - minimum + 1));
  }

  chance(oneIn: number): boolean {
    return this.u32() % oneIn === 0;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() & 0xff);
  }

  hex(length: number): string {
    return bytesToHex(this.bytes(length));
  }

  list<T>(length: number, make: () => T): T[] {
    return Array.from({ length }, make);
  }
}

function randomParents(random: SeededRandom, max = 8): BlockId[] {
  const ids = random.list(random.between(1, max), () => random.hex(32) as BlockId);
  return [...new Set(ids)].toSorted();
}

function randomTaggedData(random: SeededRandom): TaggedData {
  const tag = random.bytes(random.between(1, 64));
  return { kind: 'tagged-data', tag, data: random.bytes(random.between(0, 200)) };
}

export function randomOutput(random: SeededRandom): Output {
  if (random.chance(3)) {
    return {
      kind: 'channel',
      amount: random.u64(),
      payerPublicKey: random.bytes(32),
      payee: random.hex(32) as Address,
      refundAddress: random.hex(32) as Address,
      expiry: random.u32(),
    };
  }
  if (random.chance(4)) {
    return {
      kind: 'validator-bond',
      amount: random.u64(),
      publicKey: random.bytes(32),
      owner: random.hex(32) as Address,
      unbondAt: random.chance(2) ? 0 : random.u32(),
    };
  }
  return {
    kind: 'basic',
    amount: random.u64(),
    address: random.hex(32) as Address,
    ...(random.chance(3) && { tag: random.bytes(random.between(1, 64)) }),
    ...(random.chance(3) && { timelock: random.between(1, 0xffff_fffe) }),
    ...(random.chance(3) && {
      expiration: {
        unixSeconds: random.between(1, 0xffff_fffe),
        returnAddress: random.hex(32) as Address,
      },
    }),
  };
}

function randomEvidence(random: SeededRandom): Unlock {
  const kinds = ['notarize', 'nullify', 'finalize', 'propose', 'ratify'] as const;
  const statements = random.list(2, () => ({
    kind: kinds[random.between(0, 4)]!,
    digest: random.bytes(32),
    signature: random.bytes(64),
  }));
  const [first, second] = statements.toSorted(compareStatements);
  if (first === undefined || second === undefined) throw new Error('two were made');
  const [epoch, view] = [random.u32(), random.u64()];
  return { kind: 'evidence', epoch, view, statements: [first, second] };
}

function randomUnlock(random: SeededRandom): Unlock {
  switch (random.between(0, 3)) {
    case 0:
      return { kind: 'signature', publicKey: random.bytes(32), signature: random.bytes(64) };
    case 1:
      return { kind: 'reference', index: random.between(0, 0xffff) };
    case 2:
      return randomEvidence(random);
    default:
      return {
        kind: 'channel-claim',
        publicKey: random.bytes(32),
        signature: random.bytes(64),
        cumulative: random.u64(),
        voucherSignature: random.bytes(64),
      };
  }
}

export function randomTransaction(random: SeededRandom): Transaction {
  const inputCount = random.chance(20) ? 128 : random.between(1, 4);
  return {
    kind: 'transaction',
    networkId: random.u64(),
    inputs: random.list(inputCount, () => random.hex(34) as OutputId),
    outputs: random.list(random.between(1, 4), () => randomOutput(random)),
    payload: random.chance(2) ? null : randomTaggedData(random),
    unlocks: random.list(inputCount, () => randomUnlock(random)),
  };
}

export function randomPayload(random: SeededRandom): Payload {
  switch (random.between(0, 2)) {
    case 0:
      return randomTransaction(random);
    case 1:
      return { kind: 'envelope', bytes: random.bytes(random.between(18, 300)) };
    default:
      return randomTaggedData(random);
  }
}

export function randomBlock(random: SeededRandom): Block {
  return {
    version: 1,
    networkId: random.u64(),
    parents: randomParents(random),
    payload: random.chance(8) ? null : randomPayload(random),
    nonce: random.u64(),
  };
}

export function randomCertificate(random: SeededRandom): Certificate {
  const bitmapLength = random.between(1, 4);
  const seats = random.list(bitmapLength * 8, () => 0).map((_, seat) => seat);
  const signers = seats.filter(() => random.chance(3));
  const kind = (['notarize', 'nullify', 'finalize', 'ratify'] as const)[random.between(0, 3)]!;
  return {
    kind,
    epoch: random.u32(),
    view: random.u64(),
    digest: kind === 'nullify' ? new Uint8Array(32) : random.bytes(32),
    bitmapLength,
    signers,
    signatures: signers.map(() => random.bytes(64)),
  };
}

function randomHeader(random: SeededRandom): MilestoneHeader {
  return {
    version: 1,
    epoch: random.u32(),
    index: random.u32(),
    view: random.u64(),
    timestampMs: random.between(0, 0x1f_ffff) * 2 ** 32 + random.u32(),
    previousId: random.hex(32) as MilestoneId,
    parentsRoot: random.bytes(32),
    inclusionRoot: random.bytes(32),
    appliedRoot: random.bytes(32),
    stateRoot: random.bytes(32),
    committeeRoot: random.bytes(32),
    optionsRoot: random.bytes(32),
  };
}

export function randomMilestone(random: SeededRandom): Milestone {
  return {
    header: randomHeader(random),
    body: {
      parents: randomParents(random, random.chance(4) ? 255 : 8),
      options: {
        ...(random.chance(2) && { powLoadBits: random.between(0, 255) }),
        ...(random.chance(4) && {
          nextCommittee: random.list(random.between(1, 32), () => random.bytes(32)),
        }),
      },
    },
    certificate: randomCertificate(random),
  };
}

/** A proposal, a vote or a certificate. */
export function randomConsensusMessage(random: SeededRandom): ConsensusMessage {
  const { kind, epoch, view, digest, ...certificate } = randomCertificate(random);
  const statement = { kind, epoch, view, digest };
  const signature = random.bytes(64);
  switch (random.between(0, 2)) {
    case 0: {
      const { header, body } = randomMilestone(random);
      return { type: 'proposal', proposal: { epoch, view, signature, header, body } };
    }
    case 1:
      return { type: 'vote', vote: { ...statement, seat: random.between(0, 255), signature } };
    default:
      return { type: 'certificate', certificate: { ...statement, ...certificate } };
  }
}

export function randomCheckpoint(random: SeededRandom): Checkpoint {
  const epoch = random.between(0, 1) === 0 ? 0 : random.between(1, 0xffff_ffff);
  const digest = random.bytes(32);
  const followed = { elections: random.between(1, Math.max(1, epoch)), digest };
  return {
    networkId: random.u64(),
    genesisId: random.hex(32) as MilestoneId,
    params: {
      epochLength: random.between(1, 0xffff_ffff),
      heartbeatMs: random.between(1, 0xffff_ffff),
      maxDriftMs: random.u32(),
    },
    epoch,
    committee: random.list(random.between(1, 32), () => random.bytes(32)),
    newest: randomHeader(random),
    ...(epoch === 0 ? {} : { followed }),
  };
}

export function randomConsensusFrame(random: SeededRandom): ConsensusFrame {
  const requestId = random.u32();
  if (random.chance(2)) {
    const views = random.list(random.between(0, 16), () => random.u64());
    const least = views.length === 0 ? 1 : 0;
    const ids = random.list(random.between(least, 16), () => random.hex(32) as MilestoneId);
    return { type: 'get-consensus', requestId, epoch: random.u32(), views, ids };
  }
  const ends = ['more', 'complete', 'cut'] as const;
  const end = ends[random.between(0, 2)]!;
  const items = random.list(random.between(0, 12), () => random.bytes(random.between(1, 150)));
  return { type: 'consensus', requestId, end, items };
}

export function randomVoucher(random: SeededRandom): Voucher {
  const channelId = random.hex(34) as OutputId;
  return { channelId, cumulative: random.u64(), signature: random.bytes(64) };
}

/** Bytes that tend to matter: counts, types and flags around their limits. */
const TELLING = [0, 1, 2, 3, 4, 7, 8, 9, 16, 17, 18, 64, 65, 127, 128, 129, 255];

/** One random change: a bit, a byte, a cut, an extension or a piece of another object. */
export function mutate(random: SeededRandom, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = random.between(0, Math.max(0, bytes.length - 1));
  const copy = bytes.slice();
  switch (random.between(0, 5)) {
    case 0:
      copy[at]! ^= 1 << random.between(0, 7);
      return copy;
    case 1:
      copy[at] = TELLING[random.between(0, TELLING.length - 1)]!;
      return copy;
    case 2:
      return bytes.slice(0, at);
    case 3:
      return Uint8Array.of(...bytes, ...random.bytes(random.between(1, 40)));
    case 4:
      return Uint8Array.of(...bytes.slice(0, at), ...other.slice(at % (other.length + 1)));
    default:
      // The head of the object is where types and counts stand.
      copy[at % 64] = TELLING[random.between(0, TELLING.length - 1)]!;
      return copy.slice(0, bytes.length);
  }
}
