import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { TEST_NETWORK, TEST_NOW } from '../../testing/people.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { concatBytes } from '../crypto/kdf.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { envelopeHeader, sealedBytes } from '../envelope/envelope.ts';
import { CHAIN_WINDOW, MAX_CHAIN_MESSAGES } from '../limits.ts';
import { stepChain } from './ratchet.ts';
import type { ReceivingChain } from './receiving.ts';
import {
  CHAIN_KEPT_SECONDS,
  GAP_SECONDS,
  hasGap,
  MAX_SEED_AHEAD_SECONDS,
  missingNumbers,
  openReceivingChain,
  pruneReceivingChain,
  releaseChainTags,
  SKIPPED_KEY_SECONDS,
  watchedChainTags,
  wipeReceivingChain,
} from './receiving.ts';
import { decodeReceivingChain, encodeReceivingChain } from './state.ts';
import { FROM, makeChain, receive, receiveAll, sealMany } from '../../testing/chains.ts';

const { sending, receiving, note } = makeChain();
const sealed = sealMany(sending, 300);
const bytesOf = (number: number): Uint8Array => sealed[number]?.bytes ?? new Uint8Array(0);
const copyOf = (chain: ReceivingChain): ReceivingChain =>
  valueOf(decodeReceivingChain(encodeReceivingChain(chain)));

/** An envelope of class 0 with the key of number 0 around this plaintext. */
function sealedPlain(head: readonly number[]): Uint8Array {
  const { messageKey, tag } = stepChain(receiving.key);
  const header = envelopeHeader(0, tag);
  const plaintext = new Uint8Array(sealedBytes(0) - 16);
  plaintext.set(head);
  const nonce = new Uint8Array(12);
  const body = nobleSuite.chacha20poly1305Seal(messageKey, nonce, plaintext, header);
  return concatBytes(header, body);
}

describe('opening on a chain', () => {
  it('opens every message once, in any order within the window', () => {
    const all = Array.from({ length: 40 }, (_, number) => number);
    const order = fc.shuffledSubarray(all, { minLength: 40 });
    fc.assert(
      fc.property(order, (numbers) => {
        let chain = receiving;
        for (const number of numbers) {
          const outcome = valueOf(receive(chain, bytesOf(number)));
          expect(outcome.opened).toMatchObject({ number, letterId: sealed[number]?.letterId });
          ({ chain } = outcome);
        }
        expect([chain.next, chain.skipped]).toEqual([40, []]);
        for (const number of numbers) {
          expect(codeOf(receive(chain, bytesOf(number)))).toBe('chain-tag-unknown');
        }
      }),
      { numRuns: 10 },
    );
  });

  it('chain-tag-unknown: a replay, another chain, too far ahead', () => {
    const chain = receiveAll(receiving, sealed.slice(0, 2));
    expect(codeOf(receive(chain, bytesOf(1)))).toBe('chain-tag-unknown');
    const other = sealMany(makeChain(0x11).sending, 1)[0]?.bytes ?? new Uint8Array(0);
    expect(codeOf(receive(chain, other))).toBe('chain-tag-unknown');
    expect(codeOf(receive(chain, bytesOf(2 + CHAIN_WINDOW)))).toBe('chain-tag-unknown');
    expect(codeOf(receive(chain, bytesOf(1 + CHAIN_WINDOW)))).toBe('ok');
  });

  it('chain-damaged: a copied tag or a changed byte burns no key', () => {
    const forged = bytesOf(5).slice();
    forged[100] = (forged[100] ?? 0) ^ 1;
    expect(codeOf(receive(receiving, forged))).toBe('chain-damaged');
    const chain = receiveAll(receiving, sealed.slice(9, 10));
    expect(codeOf(receive(chain, forged))).toBe('chain-damaged');
    expect(valueOf(receive(chain, bytesOf(5))).opened.number).toBe(5);
  });

  it('chain-content-unknown: a later version or kind keeps its key', () => {
    for (const head of [
      [2, 1],
      [1, 4],
    ]) {
      expect(codeOf(receive(receiving, sealedPlain(head)))).toBe('chain-content-unknown');
    }
  });

  it('chain-malformed: flags, length and padding', () => {
    const heads = [
      [1, 3, 2],
      [1, 3, 0, 0, 0, 0, 0, 0xff, 0xff],
      [1, 3, 0, 0, 0, 0, 0, 0, 0, 7],
    ];
    for (const head of heads) {
      expect(codeOf(receive(receiving, sealedPlain(head)))).toBe('chain-malformed');
    }
    expect(codeOf(receive(receiving, sealedPlain([1, 3])))).toBe('ok');
  });

  it('throws at no bytes and changes nothing by them', () => {
    const before = encodeReceivingChain(receiving);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 490, maxLength: 490 }), fc.boolean(), (body, own) => {
        const tag = own ? bytesOf(3).slice(2, 18) : body.slice(0, 16);
        const outcome = receive(receiving, concatBytes(envelopeHeader(0, tag), body));
        expect(codeOf(outcome)).toBe(own ? 'chain-damaged' : 'chain-tag-unknown');
      }),
      { numRuns: 30 },
    );
    expect(encodeReceivingChain(receiving)).toEqual(before);
  });
});

describe('watched tags', () => {
  it('are the overtaken numbers and 128 ahead', () => {
    const chain = receiveAll(receiving, [...sealed.slice(0, 2), ...sealed.slice(4, 5)]);
    const watched = watchedChainTags(chain);
    const ahead = Array.from({ length: CHAIN_WINDOW }, (_, at) => 5 + at);
    expect(watched.map((one) => one.number)).toEqual([2, 3, ...ahead]);
    expect(watched.map((one) => bytesToHex(one.tag))).toEqual(
      [2, 3, ...ahead].map((number) => bytesToHex(bytesOf(number).slice(2, 18))),
    );
  });

  it('end with the chain', () => {
    const end = { ...receiving, next: MAX_CHAIN_MESSAGES - 3 };
    expect(watchedChainTags(end)).toHaveLength(3);
  });
});

describe('kept keys', () => {
  it('stay below 2,000 whatever a sender leaves out', () => {
    // The worst sender: only the last number of every window.
    let chain = receiving;
    let current = sending;
    while (chain.next < MAX_CHAIN_MESSAGES) {
      const left = Math.min(CHAIN_WINDOW, MAX_CHAIN_MESSAGES - chain.next);
      const run = sealMany(current, left);
      chain = receiveAll(chain, run.slice(-1));
      current = run.at(-1)?.chain ?? current;
    }
    expect(chain.skipped).toHaveLength(MAX_CHAIN_MESSAGES - 16);
    expect(watchedChainTags(chain)).toHaveLength(MAX_CHAIN_MESSAGES - 16);
    expect(encodeReceivingChain(copyOf(chain))).toEqual(encodeReceivingChain(chain));
  });

  it('expire 30 days after they were overtaken, and the chain 44 days after it opened', () => {
    const chain = valueOf(receive(receiving, bytesOf(3), TEST_NOW + 100)).chain;
    const at = TEST_NOW + 100 + SKIPPED_KEY_SECONDS;
    expect(pruneReceivingChain(chain, at - 1)).toBe(chain);
    const pruned = pruneReceivingChain(chain, at);
    expect(pruned?.skipped).toEqual([]);
    expect(codeOf(receive(pruned ?? chain, bytesOf(1)))).toBe('chain-tag-unknown');
    expect(pruneReceivingChain(chain, TEST_NOW + CHAIN_KEPT_SECONDS - 1)).toBeDefined();
    expect(pruneReceivingChain(chain, TEST_NOW + CHAIN_KEPT_SECONDS)).toBeUndefined();
  });

  it('are wiped where the new state does not hold them', () => {
    const old = copyOf(receiveAll(receiving, sealed.slice(3, 4)));
    const current = valueOf(receive(old, bytesOf(1))).chain;
    wipeReceivingChain(old, current);
    expect(old.skipped[1]?.messageKey).toEqual(new Uint8Array(32));
    expect(receiveAll(current, [...sealed.slice(0, 1), ...sealed.slice(2, 3)]).skipped).toEqual([]);
    const moved = valueOf(receive(current, bytesOf(4))).chain;
    wipeReceivingChain(current, moved);
    expect(current.key).toEqual(new Uint8Array(32));
    expect(codeOf(receive(moved, bytesOf(5)))).toBe('ok');
    wipeReceivingChain(moved);
    const left = [moved.key, ...moved.skipped.map((one) => one.messageKey)];
    expect(left.every((key) => key.every((byte) => byte === 0))).toBe(true);
  });
});

describe('a seed', () => {
  const from = { networkId: TEST_NETWORK, from: FROM };

  it('chain-seed-time: over, or more than a day ahead', () => {
    const at = (now: number): string => codeOf(openReceivingChain(note, from, now));
    expect(at(TEST_NOW + CHAIN_KEPT_SECONDS)).toBe('chain-seed-time');
    expect(at(TEST_NOW + CHAIN_KEPT_SECONDS - 1)).toBe('ok');
    expect(at(TEST_NOW - MAX_SEED_AHEAD_SECONDS - 1)).toBe('chain-seed-time');
    expect(at(TEST_NOW - MAX_SEED_AHEAD_SECONDS)).toBe('ok');
  });

  it('that comes again after its chain was deleted opens nothing', () => {
    const now = TEST_NOW + CHAIN_KEPT_SECONDS;
    expect(pruneReceivingChain(receiving, now)).toBeUndefined();
    expect(codeOf(openReceivingChain(note, from, now))).toBe('chain-seed-time');
  });
});

describe('missing numbers', () => {
  it('are the overtaken and the never reached ones', () => {
    const chain = receiveAll(receiving, [...sealed.slice(0, 2), ...sealed.slice(4, 5)]);
    expect(missingNumbers(chain, 7)).toEqual([2, 3, 5, 6]);
    expect(missingNumbers(chain, 3)).toEqual([2]);
    expect(missingNumbers(chain, 65_535)).toHaveLength(MAX_CHAIN_MESSAGES - 3);
  });
});

describe('messages that come some other way', () => {
  const tagOf = (number: number): Uint8Array => bytesOf(number).slice(2, 18);

  it('leave no key behind, and what lies before them is overtaken', () => {
    const { chain } = valueOf(receive(receiving, bytesOf(3)));
    const left = releaseChainTags(chain, [tagOf(1), tagOf(6)], TEST_NOW + 5);
    expect(left.next).toBe(7);
    expect(left.skipped.map((one) => [one.number, one.since - TEST_NOW])).toEqual([
      [0, 0],
      [2, 0],
      [4, 5],
      [5, 5],
    ]);
    expect(missingNumbers(left, 7)).toEqual([0, 2, 4, 5]);
    for (const gone of [1, 6]) {
      expect(codeOf(receive(left, bytesOf(gone)))).toBe('chain-tag-unknown');
    }
    const rest = [7, 4, 0].flatMap((number) => sealed[number] ?? []);
    expect(receiveAll(left, rest).skipped).toHaveLength(2);
  });

  it('change nothing under tags that the chain does not watch', () => {
    const { chain } = valueOf(receive(receiving, bytesOf(3)));
    expect(releaseChainTags(chain, [], TEST_NOW)).toBe(chain);
    const foreign = [new Uint8Array(16), tagOf(3), tagOf(4 + CHAIN_WINDOW)];
    expect(releaseChainTags(chain, foreign, TEST_NOW)).toBe(chain);
  });

  it('are asked for when they were overtaken a day ago', () => {
    const { chain } = valueOf(receive(receiving, bytesOf(3)));
    expect(hasGap(receiving, 0, TEST_NOW + GAP_SECONDS)).toBe(false);
    expect(hasGap(chain, 0, TEST_NOW + GAP_SECONDS - 1)).toBe(false);
    expect(hasGap(chain, 2, TEST_NOW + GAP_SECONDS)).toBe(true);
    expect(hasGap(chain, 3, TEST_NOW + GAP_SECONDS)).toBe(false);
  });
});
