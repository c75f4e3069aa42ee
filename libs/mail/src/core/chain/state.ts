/**
 * Chain states as bytes for the shell's store: sealed at rest, written in one batch with what they
 * belong to. Stop before: chain/sending.ts and chain/receiving.ts; next: the client's store.
 * Spec: docs/spec/24-chain.md.
 */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { TAG_LENGTH } from '../envelope/envelope.ts';
import { MAX_CHAIN_MESSAGES } from '../limits.ts';
import { fail } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { ChainId } from './ratchet.ts';
import { CHAIN_ID_LENGTH, CHAIN_KEY_LENGTH } from './ratchet.ts';
import type { ReceivingChain, SkippedKey } from './receiving.ts';
import type { SendingChain } from './sending.ts';

const STATE_VERSION = 1;
const ROLE_SENDING = 1;
const ROLE_RECEIVING = 2;
/** version, role, id, key, next, openedAt, lastSentAt. */
const SENDING_SIZE = 2 + CHAIN_ID_LENGTH + CHAIN_KEY_LENGTH + 2 + 4 + 4;
/** version, role, id, key, next, keepUntil, count. */
const RECEIVING_SIZE = 2 + CHAIN_ID_LENGTH + CHAIN_KEY_LENGTH + 2 + 4 + 2;
/** number, key, tag, since. */
const SKIPPED_SIZE = 2 + CHAIN_KEY_LENGTH + TAG_LENGTH + 4;

/** 60 bytes. */
export function encodeSendingChain(chain: SendingChain): Uint8Array {
  const writer = new Writer(SENDING_SIZE);
  writeHead(writer, ROLE_SENDING, chain);
  writer.u32(chain.openedAt);
  writer.u32(chain.lastSentAt);
  return writer.finish();
}

/** Reads it back. Codes: those of form, `version-unknown`, `chain-state-invalid`. */
export function decodeSendingChain(bytes: Uint8Array): MailOutcome<SendingChain> {
  const decoded = decodeWith(bytes, SENDING_SIZE, (reader) => {
    const head = readHead(reader);
    return { ...head, openedAt: reader.u32(), lastSentAt: reader.u32() };
  });
  if (!decoded.ok) return decoded;
  const { role, ...chain } = decoded.value;
  const isSound = role === ROLE_SENDING && chain.lastSentAt >= chain.openedAt;
  return isSound ? { ok: true, value: chain } : fail('chain-state-invalid');
}

/** 58 bytes and 54 for each kept key: at most 108,058. */
export function encodeReceivingChain(chain: ReceivingChain): Uint8Array {
  const writer = new Writer(RECEIVING_SIZE + chain.skipped.length * SKIPPED_SIZE);
  writeHead(writer, ROLE_RECEIVING, chain);
  writer.u32(chain.keepUntil);
  writer.count16(chain.skipped.length, 0, MAX_CHAIN_MESSAGES);
  for (const { number, messageKey, tag, since } of chain.skipped) {
    writer.u16(number);
    writer.fixed(messageKey, CHAIN_KEY_LENGTH);
    writer.fixed(tag, TAG_LENGTH);
    writer.u32(since);
  }
  return writer.finish();
}

/** Reads it back. Codes: those of form, `version-unknown`, `chain-state-invalid`. */
export function decodeReceivingChain(bytes: Uint8Array): MailOutcome<ReceivingChain> {
  const decoded = decodeWith(
    bytes,
    RECEIVING_SIZE + MAX_CHAIN_MESSAGES * SKIPPED_SIZE,
    (reader) => {
      const head = readHead(reader);
      return { ...head, keepUntil: reader.u32(), skipped: readSkipped(reader) };
    },
  );
  if (!decoded.ok) return decoded;
  const { role, ...chain } = decoded.value;
  const numbers = chain.skipped.map((one) => one.number);
  const isAscending = numbers.every((number, at) => number > (numbers[at - 1] ?? -1));
  const isBelow = (numbers.at(-1) ?? -1) < chain.next;
  const isSound = role === ROLE_RECEIVING && isAscending && isBelow;
  return isSound ? { ok: true, value: chain } : fail('chain-state-invalid');
}

function writeHead(
  writer: Writer,
  role: number,
  chain: { readonly chainId: ChainId; readonly key: Uint8Array; readonly next: number },
): void {
  writer.u8(STATE_VERSION);
  writer.u8(role);
  writer.hex(chain.chainId, CHAIN_ID_LENGTH);
  writer.fixed(chain.key, CHAIN_KEY_LENGTH);
  writer.count16(chain.next, 0, MAX_CHAIN_MESSAGES);
}

function readHead(reader: Reader): {
  readonly role: number;
  readonly chainId: ChainId;
  readonly key: Uint8Array;
  readonly next: number;
} {
  if (reader.u8() !== STATE_VERSION) refuse('version-unknown');
  const role = reader.u8();
  const chainId = bytesToHex(reader.view(CHAIN_ID_LENGTH)) as ChainId;
  const key = reader.bytes(CHAIN_KEY_LENGTH);
  return { role, chainId, key, next: reader.count16(0, MAX_CHAIN_MESSAGES) };
}

function readSkipped(reader: Reader): SkippedKey[] {
  const count = reader.count16(0, MAX_CHAIN_MESSAGES);
  const skipped: SkippedKey[] = [];
  for (let index = 0; index < count; index++) {
    const number = reader.u16();
    const messageKey = reader.bytes(CHAIN_KEY_LENGTH);
    const tag = reader.bytes(TAG_LENGTH);
    skipped.push({ number, messageKey, tag, since: reader.u32() });
  }
  return skipped;
}
