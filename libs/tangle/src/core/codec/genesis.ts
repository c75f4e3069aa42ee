/**
 * The genesis document: JSON for people and files, and a binary form whose hash is the network's
 * identity. Whoever has the same document computes the same network id, ledger and committee.
 * Spec: docs/spec/06-genesis.md.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { fail, succeed, type Outcome } from '../outcome.ts';
import { MAX_COMMITTEE, MAX_GENESIS_OUTPUTS, MAX_GENESIS_TEXT_LENGTH } from '../params/limits.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Hasher } from '../ports.ts';
import {
  bytesToHex,
  hexToBytes,
  ID_LENGTH,
  parseAddress,
  transactionIdFromBytes,
  type Address,
  type TransactionId,
} from './ids.ts';
import { Writer } from './writer.ts';

/** One output of the first ledger state. */
export interface GenesisOutput {
  readonly address: Address;
  /** Base units, u64 above 0. */
  readonly amount: bigint;
}

/** The document that defines a network. */
export interface Genesis {
  /** 1–32 characters of a–z, 0–9 and "-". */
  readonly name: string;
  /** Milliseconds since 1970, below 2^53. */
  readonly timestampMs: number;
  readonly params: NetworkParams;
  /** Ed25519 public keys in seat order, 1–32, each once. */
  readonly committee: readonly Uint8Array[];
  /** 1–4,096; their sum, the supply, fits u64. */
  readonly outputs: readonly GenesisOutput[];
}

const GENESIS_VERSION = 1;
const HASH_DOMAIN = utf8ToBytes('tanglemail/genesis/v1\0');
const NAME = /^[a-z0-9-]{1,32}$/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;
const U8_MAX = 0xff;
const U32_MAX = 0xffff_ffff;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** The range of every parameter that is a number, in the order of the binary form. */
const PARAM_RANGES = {
  powBaseBits: [0, 64],
  powLoadBitsMax: [0, 32],
  milestoneIntervalMs: [1, U32_MAX],
  heartbeatMs: [1, U32_MAX],
  maxDriftMs: [0, U32_MAX],
  belowMaxDepth: [2, U32_MAX],
  epochLength: [1, U32_MAX],
} as const satisfies Record<
  Exclude<keyof NetworkParams, 'depositPerByte' | 'validatorBondMin'>,
  [number, number]
>;

const PARAM_NAMES = Object.keys(PARAM_RANGES) as (keyof typeof PARAM_RANGES)[];

/** The binary form: what the network id is the hash of. */
export function encodeGenesis(genesis: Genesis): Uint8Array {
  const { name, params, committee, outputs } = genesis;
  const nameBytes = utf8ToBytes(name);
  const writer = new Writer(128 + committee.length * 32 + outputs.length * (ID_LENGTH + 8));
  writer.u8(GENESIS_VERSION);
  writer.count8(nameBytes.length, 1, 32);
  writer.raw(nameBytes);
  writer.u53(genesis.timestampMs);
  writer.u64(params.depositPerByte);
  for (const key of PARAM_NAMES) {
    if (PARAM_RANGES[key][1] <= U8_MAX) writer.u8(params[key]);
    else writer.u32(params[key]);
  }
  writer.count8(committee.length, 1, MAX_COMMITTEE);
  for (const key of committee) writer.fixed(key, 32);
  writer.count16(outputs.length, 1, MAX_GENESIS_OUTPUTS);
  for (const output of outputs) {
    writer.hex(output.address, ID_LENGTH);
    writer.u64(output.amount);
  }
  // Behind everything else and only if it says something: networks without bonds keep their ids.
  if (params.validatorBondMin > 0n) writer.u64(params.validatorBondMin);
  return writer.finish();
}

/** BLAKE2b-256("tanglemail/genesis/v1\0" ‖ binary form), 32 bytes. */
function genesisHash(genesis: Genesis, hasher: Hasher): Uint8Array {
  const bytes = encodeGenesis(genesis);
  const input = new Uint8Array(HASH_DOMAIN.length + bytes.length);
  input.set(HASH_DOMAIN);
  input.set(bytes, HASH_DOMAIN.length);
  return hasher.blake2b256(input);
}

/** The first 8 bytes of the genesis hash as u64, little endian. */
export function networkIdOf(genesis: Genesis, hasher: Hasher): bigint {
  const hash = genesisHash(genesis, hasher);
  return new DataView(hash.buffer, hash.byteOffset).getBigUint64(0, true);
}

/** The genesis hash as the transaction id under which the first outputs stand. */
export function genesisTransactionId(genesis: Genesis, hasher: Hasher): TransactionId {
  return transactionIdFromBytes(genesisHash(genesis, hasher));
}

/** The document as JSON text, two spaces deep; amounts are decimal strings, keys are hex. */
export function genesisToJson(genesis: Genesis): string {
  const { name, timestampMs, params } = genesis;
  const { depositPerByte, validatorBondMin } = params;
  const committee = genesis.committee.map((key) => bytesToHex(key));
  const outputs = genesis.outputs.map(({ address, amount }) => ({ address, amount: `${amount}` }));
  const document = {
    name,
    timestampMs,
    params: {
      ...params,
      depositPerByte: `${depositPerByte}`,
      validatorBondMin: validatorBondMin > 0n ? `${validatorBondMin}` : undefined,
    },
    committee,
    outputs,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/**
 * Parses the JSON form. Fails with 'too-large' or 'genesis-invalid', whose detail names the field.
 * Unknown fields are refused: they would look like rules and have no effect.
 */
export function parseGenesisJson(text: string): Outcome<Genesis> {
  if (text.length > MAX_GENESIS_TEXT_LENGTH) return fail('too-large');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return fail('genesis-invalid', 'not JSON');
  }
  const fields = recordOf(document, ['name', 'timestampMs', 'params', 'committee', 'outputs']);
  if (fields === undefined) return fail('genesis-invalid', 'document');
  const name = parseName(fields['name']);
  if (name === undefined) return fail('genesis-invalid', 'name');
  const timestampMs = parseInteger(fields['timestampMs'], 0, Number.MAX_SAFE_INTEGER);
  if (timestampMs === undefined) return fail('genesis-invalid', 'timestampMs');
  const params = parseParams(fields['params']);
  if (params === undefined) return fail('genesis-invalid', 'params');
  const committee = parseCommittee(fields['committee']);
  if (committee === undefined) return fail('genesis-invalid', 'committee');
  const outputs = parseOutputs(fields['outputs']);
  if (outputs === undefined) return fail('genesis-invalid', 'outputs');
  return succeed({ name, timestampMs, params, committee, outputs });
}

/** The value as a record with exactly the given keys. */
function recordOf(
  value: unknown,
  keys: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const found = Object.keys(value);
  const isExact = found.length === keys.length && found.every((key) => keys.includes(key));
  return isExact ? (value as Record<string, unknown>) : undefined;
}

function parseName(value: unknown): string | undefined {
  return typeof value === 'string' && NAME.test(value) ? value : undefined;
}

function parseInteger(value: unknown, minimum: number, maximum: number): number | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined;
  return value >= minimum && value <= maximum ? value : undefined;
}

function parseU64(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || !DECIMAL.test(value)) return undefined;
  const number = BigInt(value);
  return number <= U64_MAX ? number : undefined;
}

function parseParams(value: unknown): NetworkParams | undefined {
  const names = ['depositPerByte', ...PARAM_NAMES];
  const fields = recordOf(value, names) ?? recordOf(value, [...names, 'validatorBondMin']);
  if (fields === undefined) return undefined;
  const bondMin = 'validatorBondMin' in fields ? fields['validatorBondMin'] : '0';
  const validatorBondMin = parseU64(bondMin);
  if (validatorBondMin === undefined) return undefined;
  const depositPerByte = parseU64(fields['depositPerByte']);
  // One output occupies below 2^9 bytes, so that every deposit fits u64.
  if (depositPerByte === undefined || depositPerByte > U64_MAX >> 9n) return undefined;
  const numbers: Partial<Record<keyof typeof PARAM_RANGES, number>> = {};
  for (const key of PARAM_NAMES) {
    const [minimum, maximum] = PARAM_RANGES[key];
    const number = parseInteger(fields[key], minimum, maximum);
    if (number === undefined) return undefined;
    numbers[key] = number;
  }
  const ranged = numbers as Record<keyof typeof PARAM_RANGES, number>;
  return { ...ranged, depositPerByte, validatorBondMin };
}

function parseCommittee(value: unknown): Uint8Array[] | undefined {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_COMMITTEE) return undefined;
  const keys = new Set<string>();
  for (const key of value as readonly unknown[]) {
    // A public key and an address are both 64 lowercase hex digits.
    if (typeof key !== 'string' || parseAddress(key) === undefined) return undefined;
    keys.add(key);
  }
  return keys.size === value.length ? [...keys].map((key) => hexToBytes(key)) : undefined;
}

function parseOutputs(value: unknown): GenesisOutput[] | undefined {
  if (!Array.isArray(value)) return undefined;
  if (value.length < 1 || value.length > MAX_GENESIS_OUTPUTS) return undefined;
  const outputs: GenesisOutput[] = [];
  let supply = 0n;
  for (const entry of value as readonly unknown[]) {
    const output = parseOutput(entry);
    if (output === undefined) return undefined;
    supply += output.amount;
    outputs.push(output);
  }
  return supply <= U64_MAX ? outputs : undefined;
}

function parseOutput(value: unknown): GenesisOutput | undefined {
  const fields = recordOf(value, ['address', 'amount']);
  if (fields === undefined || typeof fields['address'] !== 'string') return undefined;
  const address = parseAddress(fields['address']);
  const amount = parseU64(fields['amount']);
  if (address === undefined || amount === undefined || amount === 0n) return undefined;
  return { address, amount };
}
