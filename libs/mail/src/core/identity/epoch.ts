/**
 * Epoch keys: a clock ratchet of one secret per week, from which the X25519 and ML-KEM keys of that
 * week derive. A device that deleted a secret can never open that week's letters again, and neither
 * can whoever steals it. Stop before: identity/keys.ts; next: identity/descriptor.ts (public
 * halves) and letter/letter.ts (secret halves). Spec: docs/spec/20-identity.md.
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { deriveKey } from '../crypto/kdf.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { KemKeyPair, KeyPair, SealingSuite } from '../ports.ts';

/** Seconds of an epoch: 7 days, counted from 1970. */
export const EPOCH_SECONDS = 604_800;
/** The longest mailbox lease that a client buys by default: 30 days. */
export const DEFAULT_LEASE_SECONDS = 2_592_000;
/**
 * How far back a restore from the words begins: five years of silence, until the account's last
 * descriptor says how much of it is needed. Half of what MAX_EPOCHS_AHEAD bridges.
 */
export const RECALL_SECONDS = 260 * EPOCH_SECONDS;
/** Bundles published ahead: 8 weeks of silence cost no forward secrecy. */
export const PUBLISHED_EPOCHS = 8;
/** Epochs that a state looks ahead of its newest secret. Bounds what a hostile number can cost. */
export const MAX_EPOCHS_AHEAD = 520;
/** Lines of a state: the newest and those it superseded that may still be asked for. */
export const MAX_EPOCH_LINES = 8;
const LAST_EPOCH = 0xffff_ffff;
const STATE_VERSION = 1;
const LINE_LENGTH = 40;

/**
 * One run of the ratchet. A state has several only after fresh randomness was mixed in: senders may
 * still hold bundles of the older line for the epochs up to `lastEpoch`.
 */
export interface EpochLine {
  /** The oldest epoch this line can still open. */
  readonly epoch: number;
  /** The last epoch it serves; 0xffffffff for the newest line. */
  readonly lastEpoch: number;
  /** The 32-byte secret of `epoch`. Older ones are gone. */
  readonly secret: Uint8Array;
}

/** What every device of an account holds of its epochs; newest line first, never empty. */
export interface EpochState {
  readonly lines: readonly EpochLine[];
}

/** The keys of one epoch. */
export interface EpochKeys {
  readonly epoch: number;
  readonly x25519: KeyPair;
  readonly mlkem: KemKeyPair;
}

/** The public half of an epoch's keys: 1,216 bytes on the wire. */
export interface EpochBundle {
  /** 32 bytes. */
  readonly x25519: Uint8Array;
  /** 1,184 bytes. */
  readonly mlkem: Uint8Array;
}

/** The epoch of a time in unix seconds. */
export function epochOf(unixSeconds: number): number {
  return Math.floor(unixSeconds / EPOCH_SECONDS);
}

/** The first second of an epoch. */
export function epochStart(epoch: number): number {
  return epoch * EPOCH_SECONDS;
}

/** s_(i+1) from s_i. One way. */
export function nextEpochSecret(secret: Uint8Array): Uint8Array {
  return deriveKey(secret, 'tmail/epoch-next/v1');
}

/**
 * The oldest epoch whose secret must be kept at `nowSeconds`: a letter of its last second may lie
 * at a provider for the whole lease, and one epoch more is allowed for clocks and slow fetching.
 */
export function oldestKeptEpoch(nowSeconds: number, leaseSeconds: number): number {
  return Math.max(0, epochOf(nowSeconds - leaseSeconds - EPOCH_SECONDS));
}

/**
 * A new state from the epoch root, holding everything that letters still at a provider may need. A
 * restore from the mnemonic begins RECALL_SECONDS back, since only then the words are there:
 * senders seal to the last epoch of the old descriptor, however long its owner was silent.
 */
export function startEpochs(
  epochRoot: Uint8Array,
  nowSeconds: number,
  leaseSeconds: number = DEFAULT_LEASE_SECONDS,
): EpochState {
  const epoch = oldestKeptEpoch(nowSeconds, leaseSeconds);
  const secret = ratchet(epochRoot, epoch);
  return { lines: [{ epoch, lastEpoch: LAST_EPOCH, secret }] };
}

function ratchet(secret: Uint8Array, steps: number): Uint8Array {
  let current = secret;
  for (let step = 0; step < steps; step++) current = nextEpochSecret(current);
  return current;
}

/**
 * The secrets of `epoch`, newest line first. Codes: `epoch-secret-gone` when every line starts
 * later, `epoch-too-far` beyond MAX_EPOCHS_AHEAD.
 */
export function epochSecrets(state: EpochState, epoch: number): MailOutcome<Uint8Array[]> {
  const lines = state.lines.filter((line) => line.epoch <= epoch && epoch <= line.lastEpoch);
  if (lines.length === 0) return fail('epoch-secret-gone', `epoch ${epoch}`);
  if (lines.some((line) => epoch - line.epoch > MAX_EPOCHS_AHEAD)) {
    return fail('epoch-too-far', `epoch ${epoch}`);
  }
  return succeed(lines.map((line) => ratchet(line.secret, epoch - line.epoch)));
}

/** The keys that derive from one epoch's secret. */
export function deriveEpochKeys(secret: Uint8Array, epoch: number, suite: SealingSuite): EpochKeys {
  const x25519Secret = deriveKey(secret, 'tmail/epoch-x25519/v1');
  const mlkemSeed = deriveKey(secret, 'tmail/epoch-mlkem/v1', [], 64);
  return {
    epoch,
    x25519: { secretKey: x25519Secret, publicKey: suite.x25519PublicKey(x25519Secret) },
    mlkem: suite.mlkemKeygen(mlkemSeed),
  };
}

/** The bundles of `count` epochs from `firstEpoch` on, for a descriptor. */
export function publicBundles(
  state: EpochState,
  firstEpoch: number,
  suite: SealingSuite,
  count: number = PUBLISHED_EPOCHS,
): MailOutcome<EpochBundle[]> {
  const found = epochSecrets(state, firstEpoch);
  if (!found.ok) return found;
  let secret = found.value[0];
  const bundles: EpochBundle[] = [];
  for (let index = 0; index < count; index++) {
    assert(secret, 'a covered epoch has a secret');
    const keys = deriveEpochKeys(secret, firstEpoch + index, suite);
    bundles.push({ x25519: keys.x25519.publicKey, mlkem: keys.mlkem.publicKey });
    secret = nextEpochSecret(secret);
  }
  return succeed(bundles);
}

/**
 * Moves every line forward to the oldest epoch that is still needed and drops lines that are over.
 * `keepFromEpoch` holds back what is needed for another reason: after a long silence, the last
 * epoch of one's old descriptor, until that descriptor has been superseded for a whole lease. Prune
 * only after every mailbox has been fetched. The old arrays should be wiped by the caller.
 */
export function pruneEpochs(
  state: EpochState,
  nowSeconds: number,
  leaseSeconds: number = DEFAULT_LEASE_SECONDS,
  keepFromEpoch: number = LAST_EPOCH,
): EpochState {
  const oldest = Math.min(oldestKeptEpoch(nowSeconds, leaseSeconds), keepFromEpoch);
  const lines = state.lines
    .filter((line) => line.lastEpoch >= oldest)
    .map((line) => advanceLine(line, oldest));
  return { lines };
}

/** The line without the secrets before `oldest`. */
function advanceLine(line: EpochLine, oldest: number): EpochLine {
  if (line.epoch >= oldest) return line;
  const { epoch, lastEpoch, secret } = line;
  return { epoch: oldest, lastEpoch, secret: ratchet(secret, oldest - epoch) };
}

/**
 * Mixes 32 fresh random bytes into the epochs from `fromEpoch` on (the next one, as a rule): after
 * that, whoever stole the old secrets, or holds the mnemonic, can no longer open new letters.
 * `lastPublished` is the last epoch of the newest descriptor: senders may seal to the old line up
 * to there. Every device must get the new state before the new descriptor is published.
 */
export function mixEpochs(
  state: EpochState,
  fromEpoch: number,
  lastPublished: number,
  entropy: Uint8Array,
): MailOutcome<EpochState> {
  assert(entropy.length === 32, 'fresh randomness has 32 bytes');
  const found = epochSecrets(state, fromEpoch);
  if (!found.ok) return found;
  if (state.lines.length >= MAX_EPOCH_LINES) {
    return fail('epoch-state-invalid', `${MAX_EPOCH_LINES} lines are kept already`);
  }
  const newest = found.value[0];
  assert(newest, 'a covered epoch has a secret');
  const secret = deriveKey(newest, 'tmail/epoch-mix/v1', [entropy]);
  const [head, ...rest] = state.lines;
  assert(head, 'a state has a line');
  // Before fromEpoch only the old line has keys, so it stays at least until then.
  const closed = { ...head, lastEpoch: Math.max(lastPublished, fromEpoch - 1) };
  return succeed({ lines: [{ epoch: fromEpoch, lastEpoch: LAST_EPOCH, secret }, closed, ...rest] });
}

/** version u8 = 1 · count u8 · per line epoch u32, lastEpoch u32, secret 32. */
export function encodeEpochState(state: EpochState): Uint8Array {
  const writer = new Writer(2 + state.lines.length * LINE_LENGTH);
  writer.u8(STATE_VERSION);
  writer.count8(state.lines.length, 1, MAX_EPOCH_LINES);
  for (const line of state.lines) {
    writer.u32(line.epoch);
    writer.u32(line.lastEpoch);
    writer.fixed(line.secret, 32);
  }
  return writer.finish();
}

/** Reads it back. Codes: those of form, `version-unknown`, `epoch-state-invalid`. */
export function decodeEpochState(bytes: Uint8Array): MailOutcome<EpochState> {
  const decoded = decodeWith(bytes, 2 + MAX_EPOCH_LINES * LINE_LENGTH, readEpochState);
  if (!decoded.ok) return decoded;
  const [head, ...rest] = decoded.value.lines;
  const isOrdered =
    head?.lastEpoch === LAST_EPOCH && rest.every((line) => line.lastEpoch < LAST_EPOCH);
  const isSound = decoded.value.lines.every((line) => line.epoch <= line.lastEpoch);
  return isOrdered && isSound ? decoded : fail('epoch-state-invalid');
}

function readEpochState(reader: Reader): EpochState {
  if (reader.u8() !== STATE_VERSION) refuse('version-unknown');
  const count = reader.count8(1, MAX_EPOCH_LINES);
  const lines: EpochLine[] = [];
  for (let index = 0; index < count; index++) {
    lines.push({ epoch: reader.u32(), lastEpoch: reader.u32(), secret: reader.bytes(32) });
  }
  return { lines };
}
