import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TEST_NOW } from '../../testing/people.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { concatBytes } from '../crypto/kdf.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { envelopeHeader, sealedBytes } from '../envelope/envelope.ts';
import { MAX_WAITING_BYTES, MAX_WAITING_ENVELOPES } from '../limits.ts';
import { stepChain } from './ratchet.ts';
import { SKIPPED_KEY_SECONDS } from './receiving.ts';
import { makeChain, sealMany } from '../../testing/chains.ts';
import type { AskState, WaitingRoom } from './waiting.ts';
import {
  addWaiting,
  ASK_AFTER_SECONDS,
  ASK_AGAIN_SECONDS,
  askStep,
  drainWaiting,
  expireWaiting,
  markAsked,
} from './waiting.ts';

const { sending, receiving } = makeChain();
const sealed = sealMany(sending, 300);

function roomOf(all: readonly Uint8Array[]): WaitingRoom {
  return all.reduce<WaitingRoom>((room, one) => valueOf(addWaiting(room, one, TEST_NOW)), []);
}

/** An envelope of `sizeClass` that nobody can open; another for each index. */
function noise(index: number, sizeClass = 0): Uint8Array {
  const tag = new Uint8Array(16);
  new DataView(tag.buffer).setUint32(0, index);
  return concatBytes(envelopeHeader(sizeClass, tag), new Uint8Array(sealedBytes(sizeClass)));
}

describe('waiting room', () => {
  it('opens everything once the seed has come, in whatever order it came', () => {
    const some = fc.shuffledSubarray(sealed.slice(0, 60), { minLength: 30 });
    fc.assert(
      fc.property(some, (order) => {
        const room = roomOf([noise(1), ...order.map((one) => one.bytes), noise(2)]);
        const drained = drainWaiting(room, receiving, TEST_NOW, nobleSuite);
        const numbers = drained.opened.map((one) => one.number);
        expect(numbers).toEqual(order.map((one) => one.number));
        expect(drained.room.map((one) => one.bytes)).toEqual([noise(1), noise(2)]);
      }),
      { numRuns: 5 },
    );
  });

  it('follows the window as it moves on', () => {
    const order = [250, 125, 0].map((number) => sealed[number]?.bytes ?? noise(0));
    const drained = drainWaiting(roomOf(order), receiving, TEST_NOW, nobleSuite);
    expect(drained.opened.map((one) => one.number)).toEqual([125, 0, 250]);
    expect(drained.room).toEqual([]);
  });

  it('drops forgeries with a copied tag and still opens the genuine one', () => {
    const genuine = sealed[0]?.bytes ?? noise(0);
    const forged = genuine.slice().fill(0, 18);
    const room = roomOf([forged, genuine]);
    expect(room).toHaveLength(2);
    const drained = drainWaiting(room, receiving, TEST_NOW, nobleSuite);
    expect(drained).toMatchObject({ opened: [{ number: 0 }], room: [] });
  });

  it('keeps what a later program may read', () => {
    const { messageKey, tag } = stepChain(receiving.key);
    const header = envelopeHeader(0, tag);
    const plaintext = new Uint8Array(sealedBytes(0) - 16).fill(2, 0, 1);
    const nonce = new Uint8Array(12);
    const body = nobleSuite.chacha20poly1305Seal(messageKey, nonce, plaintext, header);
    const room = roomOf([concatBytes(header, body)]);
    const drained = drainWaiting(room, receiving, TEST_NOW, nobleSuite);
    expect(drained).toEqual({ chain: receiving, opened: [], room });
  });

  it('holds at most 512 envelopes and 1 MiB, and drops the oldest', () => {
    let room: WaitingRoom = [];
    for (let index = 0; index < MAX_WAITING_ENVELOPES + 3; index++) {
      room = valueOf(addWaiting(room, noise(index), TEST_NOW));
    }
    expect(room).toHaveLength(MAX_WAITING_ENVELOPES);
    expect(room[0]?.bytes).toEqual(noise(3));
    for (let index = 0; index < 50; index++) {
      room = valueOf(addWaiting(room, noise(index, 6), TEST_NOW));
      const total = room.reduce((sum, one) => sum + one.bytes.length, 0);
      expect(total).toBeLessThanOrEqual(MAX_WAITING_BYTES);
    }
    expect(room.at(-1)?.bytes).toEqual(noise(49, 6));
  });

  it('takes the same bytes once, and nothing that is no envelope', () => {
    const room = roomOf([noise(1)]);
    expect(valueOf(addWaiting(room, noise(1), TEST_NOW))).toBe(room);
    expect(codeOf(addWaiting(room, noise(1).slice(1), TEST_NOW))).not.toBe('ok');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(codeOf(addWaiting(room, bytes, TEST_NOW))).not.toBe('ok');
      }),
    );
  });

  it('forgets after 30 days', () => {
    const room = roomOf([noise(1)]);
    expect(expireWaiting(room, TEST_NOW + SKIPPED_KEY_SECONDS - 1)).toEqual(room);
    expect(expireWaiting(room, TEST_NOW + SKIPPED_KEY_SECONDS)).toEqual([]);
  });
});

describe('asking for what is missing', () => {
  it('waits an hour, asks three times a day apart, then says that it is lost', () => {
    let ask: AskState = { since: TEST_NOW, asks: 0, askedAt: 0 };
    let now = TEST_NOW + ASK_AFTER_SECONDS;
    expect(askStep(ask, now - 1)).toBe('wait');
    for (let count = 1; count <= 3; count++) {
      expect(askStep(ask, now)).toBe('ask');
      ask = markAsked(ask, now);
      expect(ask).toEqual({ since: TEST_NOW, asks: count, askedAt: now });
      now += ASK_AGAIN_SECONDS;
      expect(askStep(ask, now - 1)).toBe('wait');
    }
    expect(askStep(ask, now)).toBe('lost');
  });
});
