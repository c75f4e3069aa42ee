import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bytesToHex } from '@noble/hashes/utils.js';
import { codeOf, fromHex, readVectors, valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { sha256 } from '../crypto/kdf.ts';
import {
  decodeEpochState,
  DEFAULT_LEASE_SECONDS,
  deriveEpochKeys,
  encodeEpochState,
  EPOCH_SECONDS,
  epochOf,
  epochSecrets,
  epochStart,
  MAX_EPOCH_LINES,
  MAX_EPOCHS_AHEAD,
  mixEpochs,
  oldestKeptEpoch,
  pruneEpochs,
  publicBundles,
  startEpochs,
} from './epoch.ts';

const vectors = readVectors('epoch') as {
  epochRoot: string;
  nowSeconds: number;
  epochs: { epoch: number; secret: string; x25519: string; mlkemSha256: string }[];
  state: string;
  entropy: string;
  mixedState: string;
};
const now = vectors.nowSeconds;
const today = epochOf(now);
const state = startEpochs(fromHex(vectors.epochRoot), now);
const entropy = fromHex(vectors.entropy);
const anyTime = fc.integer({ min: EPOCH_SECONDS * 10, max: 0xffff_ffff });

describe('epoch keys', () => {
  it('are those of the vectors', () => {
    for (const expected of vectors.epochs) {
      const [secret] = valueOf(epochSecrets(state, expected.epoch));
      if (!secret) throw new Error('no secret');
      const keys = deriveEpochKeys(secret, expected.epoch, nobleSuite);
      expect({
        epoch: keys.epoch,
        secret: bytesToHex(secret),
        x25519: bytesToHex(keys.x25519.publicKey),
        mlkemSha256: bytesToHex(sha256(keys.mlkem.publicKey)),
      }).toEqual(expected);
    }
    expect(bytesToHex(encodeEpochState(state))).toBe(vectors.state);
  });

  it('are published eight at a time, each the public half of what its secret gives', () => {
    const bundles = valueOf(publicBundles(state, today, nobleSuite));
    expect(bundles).toHaveLength(8);
    const [secret] = valueOf(epochSecrets(state, today + 7));
    const keys = deriveEpochKeys(secret ?? new Uint8Array(32), today + 7, nobleSuite);
    expect(bundles[7]).toEqual({ x25519: keys.x25519.publicKey, mlkem: keys.mlkem.publicKey });
  });

  it('begin at 1970 and last seven days', () => {
    expect(epochOf(0)).toBe(0);
    expect(epochOf(EPOCH_SECONDS - 1)).toBe(0);
    expect(epochOf(EPOCH_SECONDS)).toBe(1);
    expect(epochStart(epochOf(now))).toBeLessThanOrEqual(now);
  });
});

describe('deletion', () => {
  it('keeps a secret for the whole lease of every letter sealed in its epoch', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 0, max: 90 * 86_400 }), (sealed, lease) => {
        expect(oldestKeptEpoch(sealed + lease, lease)).toBeLessThanOrEqual(epochOf(sealed));
      }),
    );
  });

  it('drops it within two epochs after that', () => {
    fc.assert(
      fc.property(anyTime, (sealed) => {
        const later = sealed + DEFAULT_LEASE_SECONDS + 2 * EPOCH_SECONDS;
        expect(oldestKeptEpoch(later, DEFAULT_LEASE_SECONDS)).toBeGreaterThan(epochOf(sealed));
      }),
    );
  });

  it('moves the ratchet on without changing later secrets', () => {
    const later = now + 60 * 86_400;
    const pruned = pruneEpochs(state, later);
    expect(pruned.lines[0]?.epoch).toBe(oldestKeptEpoch(later, DEFAULT_LEASE_SECONDS));
    expect(epochSecrets(pruned, epochOf(later))).toEqual(epochSecrets(state, epochOf(later)));
    expect(codeOf(epochSecrets(pruned, today))).toBe('epoch-secret-gone');
    // Nothing of the old secret stands in what is stored.
    const old = bytesToHex(state.lines[0]?.secret ?? new Uint8Array(0));
    expect(bytesToHex(encodeEpochState(pruned))).not.toContain(old);
  });

  it('is held back for the last bundle of an old descriptor', () => {
    const pruned = pruneEpochs(state, now + 365 * 86_400, DEFAULT_LEASE_SECONDS, today + 7);
    expect(pruned.lines[0]?.epoch).toBe(today + 7);
  });

  it('does nothing the second time', () => {
    const once = pruneEpochs(state, now + 60 * 86_400);
    expect(pruneEpochs(once, now + 60 * 86_400)).toEqual(once);
  });
});

describe('fresh randomness', () => {
  const mixed = valueOf(mixEpochs(state, today + 1, today + 7, entropy));

  it('is mixed in as the vectors say', () => {
    expect(bytesToHex(encodeEpochState(mixed))).toBe(vectors.mixedState);
  });

  it('keeps the old line for what is published, and not beyond', () => {
    expect(valueOf(epochSecrets(mixed, today))).toEqual(valueOf(epochSecrets(state, today)));
    expect(valueOf(epochSecrets(mixed, today + 7))).toHaveLength(2);
    const [fresh, ...rest] = valueOf(epochSecrets(mixed, today + 8));
    expect(rest).toEqual([]);
    expect(valueOf(epochSecrets(state, today + 8))).not.toContainEqual(fresh);
  });

  it('goes with the old line once that is over', () => {
    expect(pruneEpochs(mixed, now + 120 * 86_400).lines).toHaveLength(1);
  });
});

describe('epoch state', () => {
  it('round-trips', () => {
    expect(valueOf(decodeEpochState(fromHex(vectors.mixedState)))).toEqual(
      valueOf(mixEpochs(state, today + 1, today + 7, entropy)),
    );
  });

  it('epoch-secret-gone: older than every line', () => {
    expect(codeOf(epochSecrets(state, (state.lines[0]?.epoch ?? 0) - 1))).toBe('epoch-secret-gone');
  });

  it('epoch-too-far: a hostile number does not make a long ratchet', () => {
    const last = (state.lines[0]?.epoch ?? 0) + MAX_EPOCHS_AHEAD;
    expect(epochSecrets(state, last).ok).toBe(true);
    expect(codeOf(epochSecrets(state, last + 1))).toBe('epoch-too-far');
    expect(codeOf(epochSecrets(state, 0xffff_ffff))).toBe('epoch-too-far');
    expect(codeOf(publicBundles(state, last + 1, nobleSuite))).toBe('epoch-too-far');
    expect(codeOf(mixEpochs(state, last + 1, last + 2, entropy))).toBe('epoch-too-far');
  });

  it('epoch-state-invalid: no newest line, or more lines than a state may have', () => {
    const closed = { ...(state.lines[0] ?? { epoch: 0, secret: entropy }), lastEpoch: 5_000 };
    expect(codeOf(decodeEpochState(encodeEpochState({ lines: [closed] })))).toBe(
      'epoch-state-invalid',
    );
    let full = state;
    for (let count = 1; count < MAX_EPOCH_LINES; count++) {
      full = valueOf(mixEpochs(full, today, today + 7, entropy));
    }
    expect(codeOf(mixEpochs(full, today, today + 7, entropy))).toBe('epoch-state-invalid');
  });

  it('never throws at any bytes, and has one encoding', () => {
    const bytes = fromHex(vectors.mixedState);
    const mutated = fc
      .tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length))
      .map(([at, value, length]) => bytes.with(at, value).subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), mutated), (any) => {
        const decoded = decodeEpochState(any);
        const again = decoded.ok ? encodeEpochState(decoded.value) : Uint8Array.from(any);
        expect(again).toEqual(Uint8Array.from(any));
      }),
    );
  });
});
