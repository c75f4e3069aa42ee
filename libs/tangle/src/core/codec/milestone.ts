/**
 * Milestones: a header of fixed size that light clients follow, a body with parents and options,
 * and the certificate that makes both final. Spec: docs/spec/04-milestone.md.
 */
import type { Outcome } from '../outcome.ts';
import {
  MAX_COMMITTEE,
  MAX_MILESTONE_PARENTS,
  MAX_MILESTONE_SIZE,
  MAX_OPTIONS_SIZE,
} from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import { readParents, writeParents } from './block.ts';
import { readCertificate, writeCertificate, type Certificate } from './certificate.ts';
import { ID_LENGTH, milestoneIdFromBytes, type BlockId, type MilestoneId } from './ids.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** The only version of this protocol. */
export const MILESTONE_VERSION = 1;
/** Bytes of every header. */
export const MILESTONE_HEADER_SIZE = 1 + 4 + 4 + 8 + 8 + 7 * 32;

const MAX_BODY_SIZE = 1 + MAX_MILESTONE_PARENTS * ID_LENGTH + 2 + MAX_OPTIONS_SIZE;
const OPTION_POW_LOAD_BITS = 1;
const OPTION_NEXT_COMMITTEE = 2;

/** What light clients follow; every root is 32 bytes. */
export interface MilestoneHeader {
  readonly version: 1;
  /** u32. */
  readonly epoch: number;
  /** u32, one more than that of `previousId`. */
  readonly index: number;
  /** View of the agreement in which it was proposed, u64. */
  readonly view: bigint;
  /** Milliseconds since 1970, below 2^53; the time of every ledger rule. */
  readonly timestampMs: number;
  readonly previousId: MilestoneId;
  readonly parentsRoot: Uint8Array;
  readonly inclusionRoot: Uint8Array;
  readonly appliedRoot: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly committeeRoot: Uint8Array;
  readonly optionsRoot: Uint8Array;
}

/** Protocol parameters that a milestone sets; what is absent is not set. */
export interface MilestoneOptions {
  /** Load term of the proof of work in bits, u8. */
  readonly powLoadBits?: number;
  /** The committee of the next epoch, 1–32 keys in seat order; only of an election milestone. */
  readonly nextCommittee?: readonly Uint8Array[];
}

export interface MilestoneBody {
  /** 1–255, ascending, each once. */
  readonly parents: readonly BlockId[];
  readonly options: MilestoneOptions;
}

/** As it travels and is stored. */
export interface Milestone {
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
  readonly certificate: Certificate;
}

/** Writes the 249 bytes of a header. */
export function writeHeader(writer: Writer, header: MilestoneHeader): void {
  writer.u8(header.version);
  writer.u32(header.epoch);
  writer.u32(header.index);
  writer.u64(header.view);
  writer.u53(header.timestampMs);
  writer.hex(header.previousId, ID_LENGTH);
  writer.fixed(header.parentsRoot, 32);
  writer.fixed(header.inclusionRoot, 32);
  writer.fixed(header.appliedRoot, 32);
  writer.fixed(header.stateRoot, 32);
  writer.fixed(header.committeeRoot, 32);
  writer.fixed(header.optionsRoot, 32);
}

/** Reads the 249 bytes of a header. */
export function readHeader(reader: Reader): MilestoneHeader {
  const version = reader.u8();
  if (version !== MILESTONE_VERSION) refuse('version-unknown');
  return {
    version,
    epoch: reader.u32(),
    index: reader.u32(),
    view: reader.u64(),
    timestampMs: reader.u53(),
    previousId: reader.hex(ID_LENGTH) as MilestoneId,
    parentsRoot: reader.bytes(32),
    inclusionRoot: reader.bytes(32),
    appliedRoot: reader.bytes(32),
    stateRoot: reader.bytes(32),
    committeeRoot: reader.bytes(32),
    optionsRoot: reader.bytes(32),
  };
}

/** The header's 249 bytes. */
export function encodeMilestoneHeader(header: MilestoneHeader): Uint8Array {
  const writer = new Writer(MILESTONE_HEADER_SIZE);
  writeHeader(writer, header);
  return writer.finish();
}

/** Decodes 249 bytes: form only. */
export function decodeMilestoneHeader(bytes: Uint8Array): Outcome<MilestoneHeader> {
  return decodeWith(bytes, MILESTONE_HEADER_SIZE, readHeader);
}

/** BLAKE2b-256 of the header's bytes. */
export function milestoneIdOf(header: MilestoneHeader, hasher: Hasher): MilestoneId {
  return milestoneIdFromBytes(hasher.blake2b256(encodeMilestoneHeader(header)));
}

/** `(type u8 | length u16 | value)*`, types ascending; empty if nothing is set. */
export function encodeMilestoneOptions(options: MilestoneOptions): Uint8Array {
  const writer = new Writer(4);
  if (options.powLoadBits !== undefined) {
    writer.u8(OPTION_POW_LOAD_BITS);
    writer.u16(1);
    writer.u8(options.powLoadBits);
  }
  const { nextCommittee } = options;
  if (nextCommittee !== undefined) {
    writer.u8(OPTION_NEXT_COMMITTEE);
    writer.u16(1 + nextCommittee.length * 32);
    writer.count8(nextCommittee.length, 1, MAX_COMMITTEE);
    for (const key of nextCommittee) writer.fixed(key, 32);
  }
  return writer.finish();
}

/** Reads options to the end. An unknown type may change rules, so it is refused. */
function readOptions(reader: Reader): MilestoneOptions {
  const options: { powLoadBits?: number; nextCommittee?: Uint8Array[] } = {};
  let previousType = -1;
  while (reader.remaining > 0) {
    const type = reader.u8();
    if (type <= previousType) refuse('option-order');
    if (type === OPTION_POW_LOAD_BITS) {
      reader.count16(1, 1);
      options.powLoadBits = reader.u8();
    } else if (type === OPTION_NEXT_COMMITTEE) {
      const length = reader.count16(1 + 32, 1 + MAX_COMMITTEE * 32);
      options.nextCommittee = reader.within(length, readKeys);
    } else refuse('option-unknown');
    previousType = type;
  }
  return options;
}

function readKeys(reader: Reader): Uint8Array[] {
  const count = reader.count8(1, MAX_COMMITTEE);
  return Array.from({ length: count }, () => reader.bytes(32));
}

/** The header's `optionsRoot`: BLAKE2b-256 of the options' bytes. */
export function optionsRootOf(options: MilestoneOptions, hasher: Hasher): Uint8Array {
  return hasher.blake2b256(encodeMilestoneOptions(options));
}

/** Writes a body behind its header. */
export function writeBody(writer: Writer, body: MilestoneBody): void {
  const options = encodeMilestoneOptions(body.options);
  writeParents(writer, body.parents, MAX_MILESTONE_PARENTS);
  writer.count16(options.length, 0, MAX_OPTIONS_SIZE);
  writer.raw(options);
}

/** Reads a body. */
export function readBody(reader: Reader): MilestoneBody {
  const parents = readParents(reader, MAX_MILESTONE_PARENTS);
  const optionsLength = reader.count16(0, MAX_OPTIONS_SIZE);
  return { parents, options: reader.within(optionsLength, readOptions) };
}

/** `parentsCount u8 | parents 32 each | optionsLength u16 | options`. */
export function encodeMilestoneBody(body: MilestoneBody): Uint8Array {
  const writer = new Writer(1 + body.parents.length * ID_LENGTH + 2 + 4);
  writeBody(writer, body);
  return writer.finish();
}

/** Decodes a body: form only. */
export function decodeMilestoneBody(bytes: Uint8Array): Outcome<MilestoneBody> {
  return decodeWith(bytes, MAX_BODY_SIZE, readBody);
}

/** `header 249 | body | certificate`. */
export function encodeMilestone(milestone: Milestone): Uint8Array {
  const { header, body, certificate } = milestone;
  const writer = new Writer(1_024);
  writeHeader(writer, header);
  writeBody(writer, body);
  writeCertificate(writer, certificate);
  return writer.finish();
}

/**
 * Decodes a milestone: form only. That the roots fit the body and that the certificate is a
 * quorum's for this header is for milestone rules to check.
 */
export function decodeMilestone(bytes: Uint8Array): Outcome<Milestone> {
  return decodeWith(bytes, MAX_MILESTONE_SIZE, (reader) => ({
    header: readHeader(reader),
    body: readBody(reader),
    certificate: readCertificate(reader),
  }));
}
