import { describe, expect, it } from '@jest/globals';
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js';
import { readFileSync } from 'node:fs';
import { nativeSuite } from '../../io/crypto/native-suite.ts';
import { TEST_NOW } from '../../testing/people.ts';
import { fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import type { MailAddress } from '../identity/address.ts';
import { encodeChainNote } from './note.ts';
import { chainIdOf, chainLetterId, startChainKey, stepChain } from './ratchet.ts';
import { openChainMessage } from './receiving.ts';
import { openSendingChain, sealChainMessage } from './sending.ts';
import { encodeReceivingChain, encodeSendingChain } from './state.ts';
import {
  envelopeOf,
  makeChain,
  MAX_ENVELOPE,
  receiveAll,
  SCOPE,
  sealMany,
  textOf,
} from '../../testing/chains.ts';

interface Step {
  readonly nextKey: string;
  readonly messageKey: string;
  readonly tag: string;
  readonly letterId: string;
}

const vectors = readVectors('chain') as {
  networkId: string;
  from: MailAddress;
  audience: string;
  seed: string;
  openedAt: number;
  chainId: string;
  startKey: string;
  steps: Step[];
  seedNote: string;
  message: string;
  envelope: string;
  sendingState: string;
  receivingStateAfterNumber2: string;
};
const seed = fromHex(vectors.seed);
const scope = {
  networkId: BigInt(vectors.networkId),
  from: vectors.from,
  audience: fromHex(vectors.audience),
};

/** The first `count` steps of a chain. */
function steps(key: Uint8Array, count: number): ReturnType<typeof stepChain>[] {
  const all: ReturnType<typeof stepChain>[] = [];
  for (let index = 0; index < count; index++) all.push(stepChain(all.at(-1)?.nextKey ?? key));
  return all;
}

describe('golden vectors of the chain', () => {
  it('hold for the ratchet', () => {
    expect(chainIdOf(seed, scope)).toBe(vectors.chainId);
    const key = startChainKey(seed, scope);
    expect(bytesToHex(key)).toBe(vectors.startKey);
    const found = steps(key, vectors.steps.length).map((step) => ({
      nextKey: bytesToHex(step.nextKey),
      messageKey: bytesToHex(step.messageKey),
      tag: bytesToHex(step.tag),
      letterId: chainLetterId(step.messageKey),
    }));
    expect(found).toEqual(vectors.steps);
  });

  it.each([
    ['noble', nobleSuite],
    ['native', nativeSuite],
  ])('hold for envelope, note and states (%s)', (_, suite) => {
    const { openedAt } = vectors;
    const { chain, note } = openSendingChain({ seed, scope, openedAt });
    expect(bytesToHex(encodeChainNote(note))).toBe(vectors.seedNote);
    const content = { ...textOf('', openedAt), message: fromHex(vectors.message) };
    const sealed = valueOf(sealChainMessage(chain, content, MAX_ENVELOPE, suite));
    expect(bytesToHex(sealed.bytes)).toBe(vectors.envelope);
    expect(bytesToHex(encodeSendingChain(sealed.chain))).toBe(vectors.sendingState);
    const { receiving } = makeChain(seed[0]);
    const envelope = envelopeOf(fromHex(vectors.envelope));
    const { opened } = valueOf(openChainMessage(receiving, envelope, TEST_NOW, suite));
    expect(bytesToHex(opened.message)).toBe(vectors.message);
  });

  it('hold for a receiver with overtaken numbers', () => {
    const { sending, receiving } = makeChain(seed[0]);
    const after = receiveAll(receiving, sealMany(sending, 3).slice(2));
    expect(bytesToHex(encodeReceivingChain(after))).toBe(vectors.receivingStateAfterNumber2);
  });

  it('stand on the spec page', () => {
    const url = new URL('../../../../../docs/spec/24-chain.md', import.meta.url);
    const page = readFileSync(url, 'utf8');
    const { chainId, startKey, audience } = vectors;
    const [first] = vectors.steps;
    const shown = [chainId, startKey, audience, ...Object.values(first ?? {})];
    expect(shown.filter((hex) => !page.includes(hex))).toEqual([]);
    expect(shown).toHaveLength(7);
    const { envelope } = vectors;
    expect(page).toContain(envelope.slice(4, 36));
    expect(page).toContain(envelope.slice(36, 100));
  });
});

describe('scope of a chain', () => {
  it('gives the same seed other keys and another name', () => {
    const others = [
      { ...SCOPE, networkId: SCOPE.networkId + 1n },
      { ...SCOPE, from: `${SCOPE.from.slice(0, -2)}00` as MailAddress },
      { ...SCOPE, audience: new Uint8Array(32) },
    ];
    const all = [SCOPE, ...others];
    expect(new Set(all.map((one) => chainIdOf(seed, one))).size).toBe(all.length);
    expect(new Set(all.map((one) => bytesToHex(startChainKey(seed, one)))).size).toBe(all.length);
  });
});

/** Every run of 32 bytes in `bytes`: what a thief of a state has to try as a secret. */
function windowsOf(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length - 31 }, (_, at) => bytes.slice(at, at + 32));
}

describe('forward secrecy', () => {
  const { sending, receiving, note } = makeChain();
  const sealed = sealMany(sending, 12);
  const last = sealed.at(-1)?.chain ?? sending;
  // Number 4 has not come: its key is kept, and the thief opens it. The others have.
  const opened = sealed.filter((one) => one.number !== 4);
  const received = receiveAll(receiving, opened);
  const used = steps(startChainKey(note.seed, SCOPE), 12);
  const states = [encodeSendingChain(last), encodeReceivingChain(received)];

  it('leaves no used key, old secret or seed in a state', () => {
    const gone = [note.seed, startChainKey(note.seed, SCOPE)];
    for (const [number, step] of used.entries()) {
      if (number !== 4) gone.push(step.messageKey);
      if (number !== 11) gone.push(step.nextKey);
    }
    const held = new Set(states.flatMap(windowsOf).map(bytesToHex));
    expect(gone.filter((secret) => held.has(bytesToHex(secret)))).toEqual([]);
    // The search finds what is there: the present secret and the key of number 4.
    expect(held.has(bytesToHex(used[11]?.nextKey ?? seed))).toBe(true);
    expect(held.has(bytesToHex(used[4]?.messageKey ?? seed))).toBe(true);
  });

  it('lets nothing in a state step to a used key or tag, or open a used message', () => {
    const old = used.filter((_, number) => number !== 4);
    const forbidden = new Set(old.flatMap((one) => [one.messageKey, one.tag].map(bytesToHex)));
    const envelopes = opened.map((one) => envelopeOf(one.bytes));
    const found: string[] = [];
    for (const guess of states.flatMap(windowsOf)) {
      for (const step of steps(guess, 16)) {
        if (forbidden.has(bytesToHex(step.messageKey))) found.push('key');
        if (forbidden.has(bytesToHex(step.tag))) found.push('tag');
      }
      for (const { header, sealed: body } of envelopes) {
        const nonce = new Uint8Array(12);
        if (nobleSuite.chacha20poly1305Open(guess, nonce, body, header)) found.push('opened');
      }
    }
    expect(found).toEqual([]);
  });

  it('does open the future and what was overtaken: the thief of a state has that', () => {
    const next = valueOf(sealChainMessage(last, textOf('later'), MAX_ENVELOPE, nobleSuite));
    const late = sealed.filter((one) => one.number === 4);
    const after = receiveAll(received, [...late, next]);
    expect([after.next, after.skipped]).toEqual([13, []]);
    expect(concatBytes(after.key)).toEqual(next.chain.key);
  });
});
