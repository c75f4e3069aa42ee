/**
 * Outputs: what a transaction creates and the ledger keeps. Spec: docs/spec/02-transaction.md,
 * section "Outputs".
 */
import { assert, type Outcome } from '../outcome.ts';
import { MAX_TAG_SIZE } from '../params/limits.ts';
import { ID_LENGTH, type Address } from './ids.ts';
import { decodeWith, refuse, type Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Types on the wire. Bond and challenge are reserved for the storage market. */
export const OUTPUT_TYPE = {
  basic: 0x01,
  channel: 0x10,
  bond: 0x11,
  challenge: 0x12,
  validatorBond: 0x13,
} as const;

const FLAG_TAG = 1;
const FLAG_TIMELOCK = 2;
const FLAG_EXPIRATION = 4;
const KNOWN_FLAGS = FLAG_TAG | FLAG_TIMELOCK | FLAG_EXPIRATION;

/** Bytes of a basic output without options: type, amount, address, flags. */
export const BASIC_OUTPUT_SIZE_MIN = 1 + 8 + 32 + 1;
/** Bytes of every channel output. */
export const CHANNEL_OUTPUT_SIZE = 1 + 8 + 32 + 32 + 32 + 4;
/** Bytes of every validator bond. */
export const VALIDATOR_BOND_SIZE = 1 + 8 + 32 + 32 + 4;
/** Bytes of the largest output: basic with all options. */
export const MAX_OUTPUT_SIZE = BASIC_OUTPUT_SIZE_MIN + 1 + MAX_TAG_SIZE + 4 + 4 + 32;

/** From `unixSeconds` on (milestone time) only `returnAddress` may spend the output. */
export interface Expiration {
  /** Seconds since 1970, u32 above 0. */
  readonly unixSeconds: number;
  readonly returnAddress: Address;
}

/** Tokens of one address. */
export interface BasicOutput {
  readonly kind: 'basic';
  /** Base units, u64. */
  readonly amount: bigint;
  readonly address: Address;
  /** 1–64 bytes for indexers. */
  readonly tag?: Uint8Array;
  /** Unspendable before this second (milestone time), u32 above 0. */
  readonly timelock?: number;
  readonly expiration?: Expiration;
}

/** A payment channel: the payee claims before `expiry`, the payer takes the rest back after. */
export interface ChannelOutput {
  readonly kind: 'channel';
  /** Base units, u64, the storage deposit of the refund output included. */
  readonly amount: bigint;
  /** Ed25519 key that signs vouchers, 32 bytes. */
  readonly payerPublicKey: Uint8Array;
  readonly payee: Address;
  readonly refundAddress: Address;
  /** Seconds since 1970, u32. */
  readonly expiry: number;
}

/**
 * What stands behind a validator's key: as long as it is bonded, two contradicting statements of
 * the key cost its owner fifteen sixteenths of it.
 */
export interface ValidatorBondOutput {
  readonly kind: 'validator-bond';
  /** Base units, u64. */
  readonly amount: bigint;
  /** Ed25519 key that signs in the agreement, 32 bytes, canonical. */
  readonly publicKey: Uint8Array;
  /** Who may unbond it and take it back. */
  readonly owner: Address;
  /** 0 while active, else the second (milestone time, u32) from which the owner may take it. */
  readonly unbondAt: number;
}

export type Output = BasicOutput | ChannelOutput | ValidatorBondOutput;

/** Bytes that `output` takes on the wire. */
export function outputSize(output: Output): number {
  if (output.kind === 'channel') return CHANNEL_OUTPUT_SIZE;
  if (output.kind === 'validator-bond') return VALIDATOR_BOND_SIZE;
  const tagSize = output.tag === undefined ? 0 : 1 + output.tag.length;
  const timelockSize = output.timelock === undefined ? 0 : 4;
  const expirationSize = output.expiration === undefined ? 0 : 4 + ID_LENGTH;
  return BASIC_OUTPUT_SIZE_MIN + tagSize + timelockSize + expirationSize;
}

/** Writes one output, type first. */
export function writeOutput(writer: Writer, output: Output): void {
  switch (output.kind) {
    case 'basic':
      writeBasic(writer, output);
      break;
    case 'channel':
      writeChannel(writer, output);
      break;
    case 'validator-bond':
      writeValidatorBond(writer, output);
      break;
  }
}

function writeBasic(writer: Writer, output: BasicOutput): void {
  const { tag, timelock, expiration } = output;
  writer.u8(OUTPUT_TYPE.basic);
  writer.u64(output.amount);
  writer.hex(output.address, ID_LENGTH);
  writer.u8(
    (tag === undefined ? 0 : FLAG_TAG) |
      (timelock === undefined ? 0 : FLAG_TIMELOCK) |
      (expiration === undefined ? 0 : FLAG_EXPIRATION),
  );
  if (tag !== undefined) {
    writer.count8(tag.length, 1, MAX_TAG_SIZE);
    writer.raw(tag);
  }
  if (timelock !== undefined) writeSeconds(writer, timelock);
  if (expiration !== undefined) {
    writeSeconds(writer, expiration.unixSeconds);
    writer.hex(expiration.returnAddress, ID_LENGTH);
  }
}

function writeSeconds(writer: Writer, unixSeconds: number): void {
  assert(unixSeconds > 0, 'a condition names a second above 0');
  writer.u32(unixSeconds);
}

function writeChannel(writer: Writer, output: ChannelOutput): void {
  writer.u8(OUTPUT_TYPE.channel);
  writer.u64(output.amount);
  writer.fixed(output.payerPublicKey, 32);
  writer.hex(output.payee, ID_LENGTH);
  writer.hex(output.refundAddress, ID_LENGTH);
  writer.u32(output.expiry);
}

function writeValidatorBond(writer: Writer, output: ValidatorBondOutput): void {
  writer.u8(OUTPUT_TYPE.validatorBond);
  writer.u64(output.amount);
  writer.fixed(output.publicKey, 32);
  writer.hex(output.owner, ID_LENGTH);
  writer.u32(output.unbondAt);
}

/** Reads one output, type first. */
export function readOutput(reader: Reader): Output {
  switch (reader.u8()) {
    case OUTPUT_TYPE.basic:
      return readBasic(reader);
    case OUTPUT_TYPE.channel:
      return readChannel(reader);
    case OUTPUT_TYPE.validatorBond:
      return readValidatorBond(reader);
    case OUTPUT_TYPE.bond:
    case OUTPUT_TYPE.challenge:
      return refuse('output-type-reserved');
    default:
      return refuse('output-type-unknown');
  }
}

function readBasic(reader: Reader): BasicOutput {
  const amount = reader.u64();
  const address = reader.hex(ID_LENGTH) as Address;
  const flags = reader.u8();
  if (flags === 0) return { kind: 'basic', amount, address };
  if ((flags & ~KNOWN_FLAGS) !== 0) refuse('output-flags-unknown');
  return {
    kind: 'basic',
    amount,
    address,
    ...((flags & FLAG_TAG) !== 0 && { tag: reader.bytes(reader.count8(1, MAX_TAG_SIZE)) }),
    ...((flags & FLAG_TIMELOCK) !== 0 && { timelock: readSeconds(reader) }),
    ...((flags & FLAG_EXPIRATION) !== 0 && { expiration: readExpiration(reader) }),
  };
}

function readExpiration(reader: Reader): Expiration {
  const unixSeconds = readSeconds(reader);
  return { unixSeconds, returnAddress: reader.hex(ID_LENGTH) as Address };
}

/** A condition at second 0 would say nothing, so that absence is the only way to say it. */
function readSeconds(reader: Reader): number {
  const unixSeconds = reader.u32();
  if (unixSeconds === 0) refuse('output-field-zero');
  return unixSeconds;
}

function readChannel(reader: Reader): ChannelOutput {
  return {
    kind: 'channel',
    amount: reader.u64(),
    payerPublicKey: reader.bytes(32),
    payee: reader.hex(ID_LENGTH) as Address,
    refundAddress: reader.hex(ID_LENGTH) as Address,
    expiry: reader.u32(),
  };
}

function readValidatorBond(reader: Reader): ValidatorBondOutput {
  return {
    kind: 'validator-bond',
    amount: reader.u64(),
    publicKey: reader.bytes(32),
    owner: reader.hex(ID_LENGTH) as Address,
    unbondAt: reader.u32(),
  };
}

/** One output's bytes, as the ledger stores them. */
export function encodeOutput(output: Output): Uint8Array {
  const writer = new Writer(outputSize(output));
  writeOutput(writer, output);
  return writer.finish();
}

/** Decodes one output. Fails with the form codes and the `output-…` codes. */
export function decodeOutput(bytes: Uint8Array): Outcome<Output> {
  return decodeWith(bytes, MAX_OUTPUT_SIZE, readOutput);
}
