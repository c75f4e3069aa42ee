import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { TEST_NOW } from '../../testing/people.ts';
import { codeOf, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { EPOCH_SECONDS, epochOf, epochStart } from '../identity/epoch.ts';
import { letterIdFromBytes } from '../letter/content.ts';
import { MAX_CHAIN_MESSAGES, PADDED_SIZES } from '../limits.ts';
import type { ChainContent } from './content.ts';
import type { SealedChainMessage } from './sending.ts';
import {
  CHAIN_LIFE_SECONDS,
  isLengthDue,
  maxChainMessageSize,
  openSendingChain,
  RESEED_AFTER_MESSAGES,
  RESEED_AFTER_SECONDS,
  reseedReason,
  sealChainMessage,
  TELL_LENGTH_AFTER_SECONDS,
} from './sending.ts';
import { makeChain, MAX_ENVELOPE, receive, SCOPE, sealMany, textOf } from '../../testing/chains.ts';

const { sending, receiving } = makeChain();

function seal(content: ChainContent, maxEnvelope = MAX_ENVELOPE): SealedChainMessage {
  return valueOf(sealChainMessage(sending, content, maxEnvelope, nobleSuite));
}

describe('sealing on a chain', () => {
  it('spends 41 bytes beside the message, tag and seal included', () => {
    // 508 bytes of envelope less version, class and the largest message.
    expect(508 - 2 - maxChainMessageSize(512, false)).toBe(41);
    expect(508 - 2 - maxChainMessageSize(512, true)).toBe(57);
  });

  it('takes the smallest class', () => {
    const sizes = PADDED_SIZES.map((size) => maxChainMessageSize(size, false));
    const classes = sizes.map((size) => {
      const { sizeClass, bytes } = seal({ ...textOf(''), message: new Uint8Array(size) });
      expect(bytes).toHaveLength((PADDED_SIZES[sizeClass] ?? 0) - 4);
      return sizeClass;
    });
    expect(classes).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(sizes).toEqual([465, 977, 2_001, 4_049, 8_145, 16_337, 24_529]);
    expect(seal({ ...textOf(''), message: new Uint8Array((sizes[0] ?? 0) + 1) }).sizeClass).toBe(1);
  });

  it('message-too-large', () => {
    const message = new Uint8Array(maxChainMessageSize(1_024, false) + 1);
    const outcome = sealChainMessage(sending, { ...textOf(''), message }, 1_024, nobleSuite);
    expect(outcome).toMatchObject({ code: 'message-too-large', detail: 'at most 977 bytes' });
    const none = sealChainMessage(sending, textOf('x'), 100, nobleSuite);
    expect(codeOf(none)).toBe('message-too-large');
  });

  it('chain-spent', () => {
    const spent = { ...sending, next: MAX_CHAIN_MESSAGES };
    const late = textOf('', TEST_NOW + CHAIN_LIFE_SECONDS);
    expect(codeOf(sealChainMessage(spent, textOf(''), MAX_ENVELOPE, nobleSuite))).toBe(
      'chain-spent',
    );
    expect(codeOf(sealChainMessage(sending, late, MAX_ENVELOPE, nobleSuite))).toBe('chain-spent');
    const last = { ...sending, next: MAX_CHAIN_MESSAGES - 1 };
    const inTime = textOf('', TEST_NOW + CHAIN_LIFE_SECONDS - 1);
    const sealed = valueOf(sealChainMessage(last, inTime, MAX_ENVELOPE, nobleSuite));
    expect(sealed.chain.next).toBe(MAX_CHAIN_MESSAGES);
  });

  it('gives every number its own tag and id', () => {
    const sealed = sealMany(sending, 50);
    expect(sealed.map((one) => one.number)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(new Set(sealed.map((one) => bytesToHex(one.bytes.slice(2, 18)))).size).toBe(50);
    expect(new Set(sealed.map((one) => one.letterId)).size).toBe(50);
  });

  it('brings any content to the other side', () => {
    const kind = fc.constantFrom('message' as const, 'control' as const, 'text' as const);
    const message = fc.uint8Array({ maxLength: 3_000 });
    const id = fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined });
    fc.assert(
      fc.property(kind, message, id, (some, bytes, idBytes) => {
        const named = idBytes ? { letterId: letterIdFromBytes(idBytes) } : {};
        const content = { kind: some, sentAt: TEST_NOW, message: bytes, ...named };
        const sealed = seal(content);
        const { opened } = valueOf(receive(receiving, sealed.bytes));
        const { letterId } = sealed;
        expect(opened).toEqual({ number: 0, ...content, letterId });
      }),
      { numRuns: 50 },
    );
  });
});

describe('re-seed rule', () => {
  const start = epochStart(epochOf(TEST_NOW));
  const chain = { ...sending, openedAt: start, lastSentAt: start };

  it('epoch: with the first message of another epoch', () => {
    expect(reseedReason(chain, start + EPOCH_SECONDS - 1)).toBeUndefined();
    expect(reseedReason(chain, start + EPOCH_SECONDS)).toBe('epoch');
    expect(reseedReason(chain, start - 1)).toBe('epoch');
  });

  it('count: after 100 messages', () => {
    const at = (next: number): unknown => reseedReason({ ...chain, next }, start);
    expect([at(RESEED_AFTER_MESSAGES - 1), at(RESEED_AFTER_MESSAGES)]).toEqual([
      undefined,
      'count',
    ]);
  });

  it('direction: an answer after 24 hours', () => {
    const later = start + RESEED_AFTER_SECONDS;
    expect(reseedReason(chain, later)).toBeUndefined();
    expect(reseedReason(chain, later, start)).toBeUndefined();
    expect(reseedReason(chain, later - 1, start + 1)).toBeUndefined();
    expect(reseedReason(chain, later, start + 1)).toBe('direction');
    expect(reseedReason({ ...chain, lastSentAt: start + 2 }, later + 2, start + 1)).toBeUndefined();
  });

  it('is not a length that nobody was told: that one is told after a day of silence', () => {
    const later = start + TELL_LENGTH_AFTER_SECONDS;
    expect(isLengthDue({ ...chain, next: 3 }, 2, later)).toBe(true);
    expect(isLengthDue({ ...chain, next: 3 }, 3, later)).toBe(false);
    expect(isLengthDue({ ...chain, next: 3 }, 2, later - 1)).toBe(false);
    expect(isLengthDue({ ...chain, next: 3, lastSentAt: start + 1 }, 2, later)).toBe(false);
  });

  it('names the chain before and its length', () => {
    const previous = sealMany(sending, 3).at(-1)?.chain ?? sending;
    const seed = new Uint8Array(32).fill(0x77);
    const { note } = openSendingChain({ seed, scope: SCOPE, openedAt: TEST_NOW, previous });
    expect(note.previous).toEqual({ chainId: sending.chainId, length: 3 });
  });
});
