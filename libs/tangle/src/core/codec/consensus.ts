/**
 * What validators send each other: proposals, votes and certificates. Form only; who may sign what
 * is for core/consensus to check. Spec: docs/spec/15-consensus.md §2.
 */
import { assert, type Outcome } from '../outcome.ts';
import { MAX_MILESTONE_SIZE } from '../params/limits.ts';
import {
  readCertificate,
  readKind,
  STATEMENT_KINDS,
  writeCertificate,
  type Certificate,
  type CertificateKind,
  type Statement,
} from './certificate.ts';
import {
  readBody,
  readHeader,
  writeBody,
  writeHeader,
  type MilestoneBody,
  type MilestoneHeader,
} from './milestone.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** One member's signature under a statement. */
export interface Vote<Kind extends CertificateKind = CertificateKind> extends Statement<Kind> {
  /** Seat of the signer in the committee, from 0. */
  readonly seat: number;
  /** 64 bytes over `signedMessage` of the statement. */
  readonly signature: Uint8Array;
}

/** A leader's milestone for one view. */
export interface Proposal {
  /** u32. */
  readonly epoch: number;
  /** The view that it is made for; later than the header's when a last milestone is said again. */
  readonly view: bigint;
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
  /** The leader's, over the statement `propose` with the milestone's id as digest. */
  readonly signature: Uint8Array;
}

export type ConsensusMessage =
  | { readonly type: 'proposal'; readonly proposal: Proposal }
  | { readonly type: 'vote'; readonly vote: Vote }
  | { readonly type: 'certificate'; readonly certificate: Certificate };

const TYPES = { proposal: 1, vote: 2, certificate: 3 } as const;

/** Bytes of the largest message: a proposal whose body has full options. */
export const MAX_CONSENSUS_SIZE = 1 + 4 + 8 + 64 + MAX_MILESTONE_SIZE;

/**
 * The message as it stands in gossip: `attempt u8 | message`. Gossip drops bytes that it carried
 * within two minutes, and the agreement lives on saying the same again: each time it is another
 * attempt. It is counted from 0, and goes out modulo 256. Spec: docs/spec/07-gossip.md, "Topics".
 */
export function addAttempt(message: Uint8Array, attempt: number): Uint8Array {
  assert(message.length <= MAX_CONSENSUS_SIZE, 'a consensus message fits its limit');
  const writer = new Writer(1 + message.length);
  writer.u8(attempt % 256);
  writer.raw(message);
  return writer.finish();
}

/** The message without its attempt, which says nothing to a receiver; shares memory. */
export function dropAttempt(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(1);
}

/** `type u8 | body`: see the tables of the spec page. */
export function encodeConsensusMessage(message: ConsensusMessage): Uint8Array {
  const writer = new Writer(1_024);
  writer.u8(TYPES[message.type]);
  switch (message.type) {
    case 'proposal':
      writeProposal(writer, message.proposal);
      break;
    case 'vote':
      writeVote(writer, message.vote);
      break;
    case 'certificate':
      writeCertificate(writer, message.certificate);
      break;
  }
  return writer.finish();
}

/** Decodes one message: form only. */
export function decodeConsensusMessage(bytes: Uint8Array): Outcome<ConsensusMessage> {
  return decodeWith(bytes, MAX_CONSENSUS_SIZE, (reader): ConsensusMessage => {
    switch (reader.u8()) {
      case TYPES.proposal:
        return { type: 'proposal', proposal: readProposal(reader) };
      case TYPES.vote:
        return { type: 'vote', vote: readVote(reader) };
      case TYPES.certificate:
        return { type: 'certificate', certificate: readCertificate(reader) };
      default:
        return refuse('consensus-type-unknown');
    }
  });
}

function writeProposal(writer: Writer, proposal: Proposal): void {
  writer.u32(proposal.epoch);
  writer.u64(proposal.view);
  writer.fixed(proposal.signature, 64);
  writeHeader(writer, proposal.header);
  writeBody(writer, proposal.body);
}

function readProposal(reader: Reader): Proposal {
  const epoch = reader.u32();
  const view = reader.u64();
  const signature = reader.bytes(64);
  const header = readHeader(reader);
  return { epoch, view, signature, header, body: readBody(reader) };
}

function writeVote(writer: Writer, vote: Vote): void {
  writer.u8(STATEMENT_KINDS[vote.kind]);
  writer.u32(vote.epoch);
  writer.u64(vote.view);
  writer.fixed(vote.digest, 32);
  writer.u8(vote.seat);
  writer.fixed(vote.signature, 64);
}

function readVote(reader: Reader): Vote {
  const kind = readKind(reader);
  const [epoch, view, digest] = [reader.u32(), reader.u64(), reader.bytes(32)];
  if (kind === 'nullify' && digest.some((byte) => byte !== 0)) refuse('not-canonical');
  return { kind, epoch, view, digest, seat: reader.u8(), signature: reader.bytes(64) };
}
