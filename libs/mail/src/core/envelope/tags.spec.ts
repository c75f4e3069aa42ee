import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { makePerson } from '../../testing/people.ts';
import { fromHex, readVectors } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import type { MailAddress } from '../identity/address.ts';
import type { TagKey, TagWindow } from './tags.ts';
import {
  contactTagKey,
  inviteTagKey,
  markSeen,
  NO_TAGS_SEEN,
  RECEIVE_WINDOW,
  REGISTRATION_WINDOW,
  tagAt,
  watchedNumbers,
  watchedTags,
  windowTop,
} from './tags.ts';

const vectors = readVectors('tags') as {
  from: MailAddress;
  to: MailAddress;
  fromIdentitySecret: string;
  toIdentityKey: string;
  contactTagKey: string;
  contactTags: { index: number; tag: string }[];
  invite: string;
  inviteTagKey: string;
  inviteTags: { index: number; tag: string }[];
};
const { from, to } = vectors;

describe('tags', () => {
  it('are those of the vectors', () => {
    const secret = fromHex(vectors.fromIdentitySecret);
    const key = contactTagKey(secret, fromHex(vectors.toIdentityKey), { from, to }, nobleSuite);
    const invite = inviteTagKey(fromHex(vectors.invite), to);
    if (!key) throw new Error('no key');
    expect([bytesToHex(key), bytesToHex(invite)]).toEqual([
      vectors.contactTagKey,
      vectors.inviteTagKey,
    ]);
    const tags = (tagKey: TagKey): unknown =>
      vectors.contactTags.map(({ index }) => ({ index, tag: bytesToHex(tagAt(tagKey, index)) }));
    expect(tags(key)).toEqual(vectors.contactTags);
    expect(tags(invite)).toEqual(vectors.inviteTags);
  });

  it('agree on both sides and differ by direction', () => {
    const [alice, bob] = [makePerson(0), makePerson(1)];
    const [a, b] = [alice.keys.identity, bob.keys.identity];
    const there = { from: alice.address, to: bob.address };
    const back = { from: bob.address, to: alice.address };
    const mine = contactTagKey(a.secretKey, b.publicKey, there, nobleSuite);
    expect(contactTagKey(b.secretKey, a.publicKey, there, nobleSuite)).toEqual(mine);
    expect(contactTagKey(b.secretKey, a.publicKey, back, nobleSuite)).not.toEqual(mine);
  });

  it('have no key with a low-order identity key', () => {
    const { identity } = makePerson(0).keys;
    const key = contactTagKey(identity.secretKey, new Uint8Array(32), { from, to }, nobleSuite);
    expect(key).toBeUndefined();
  });
});

describe('window', () => {
  it('watches 128 numbers from the start', () => {
    expect(watchedNumbers(NO_TAGS_SEEN)).toEqual(Array.from({ length: 128 }, (_, n) => n));
    const tags = watchedTags(inviteTagKey(new Uint8Array(32), to), NO_TAGS_SEEN);
    expect(new Set(tags.map((one) => bytesToHex(one.tag))).size).toBe(REGISTRATION_WINDOW);
  });

  it('moves on with what arrives and waits for what was overtaken', () => {
    const window = [0, 1, 3].reduce(markSeen, NO_TAGS_SEEN);
    expect(window).toEqual({ base: 2, seen: [3] });
    expect(watchedNumbers(window).slice(0, 3)).toEqual([2, 4, 5]);
    expect(markSeen(window, 2)).toEqual({ base: 4, seen: [] });
  });

  it('gives up what falls more than 32 behind', () => {
    const window = markSeen(NO_TAGS_SEEN, 100);
    expect(window).toEqual({ base: 101 - RECEIVE_WINDOW, seen: [100] });
  });

  it('takes nothing that is done, twice or too far ahead', () => {
    const window = [0, 1, 3].reduce(markSeen, NO_TAGS_SEEN);
    for (const index of [0, 1, 3, 4 + REGISTRATION_WINDOW]) {
      expect(markSeen(window, index)).toBe(window);
    }
  });

  it('stays small and only moves on, whatever arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000), { maxLength: 200 }), (indices) => {
        let window: TagWindow = NO_TAGS_SEEN;
        for (const index of indices) {
          const next = markSeen(window, index);
          expect(next.base).toBeGreaterThanOrEqual(window.base);
          expect(windowTop(next)).toBeGreaterThanOrEqual(windowTop(window));
          expect(next.seen.length).toBeLessThan(RECEIVE_WINDOW);
          expect(watchedNumbers(next)).not.toContain(index <= windowTop(next) ? index : -1);
          window = next;
        }
        expect(watchedNumbers(window).length).toBeLessThanOrEqual(
          RECEIVE_WINDOW + REGISTRATION_WINDOW,
        );
      }),
    );
  });

  it('finds every mail that arrives within the windows, in any order', () => {
    const shuffled = fc.shuffledSubarray(Array.from({ length: 30 }, (_, n) => n));
    fc.assert(
      fc.property(shuffled, (order) => {
        let window: TagWindow = NO_TAGS_SEEN;
        for (const index of order) {
          expect(watchedNumbers(window)).toContain(index);
          window = markSeen(window, index);
        }
      }),
    );
  });
});
