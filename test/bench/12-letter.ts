/**
 * Goal 12: sealing a letter and opening it, against the sum of the primitives that they call: key
 * agreement, ML-KEM, AEAD and signature calls are recorded with their arguments in one run and
 * made again without anything around them; key derivations and hashes are made again at their
 * sizes.
 */
import { hkdfSha256, sha256 } from '../../libs/mail/src/core/crypto/kdf.ts';
import {
  openEnvelope,
  sealEnvelope,
  type EnvelopeInput,
} from '../../libs/mail/src/core/envelope/seal.ts';
import { chooseBundle } from '../../libs/mail/src/core/identity/descriptor.ts';
import { letterIdFromBytes } from '../../libs/mail/src/core/letter/content.ts';
import { createKeyring } from '../../libs/mail/src/core/letter/keyring.ts';
import type { LetterReader } from '../../libs/mail/src/core/letter/letter.ts';
import type { SealingSuite } from '../../libs/mail/src/core/ports.ts';
import { bestSuite } from '../../libs/mail/src/io/crypto/native-suite.ts';
import {
  makePerson,
  TEST_NETWORK,
  TEST_NOW,
  type Person,
} from '../../libs/mail/src/testing/people.ts';
import type { Verifier } from '../../libs/tangle/src/core/ports.ts';
import { bestVerifier } from '../../libs/tangle/src/io/accel/verifier.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { atMost, valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { compare, interleave, repeat } from './measure.ts';

/** A short text with its headers: the least class that holds a letter. */
const MESSAGE_SIZE = 500;

type Call = () => unknown;

/** Bytes that go into each HKDF (secret, info, length) and each SHA-256, by letter/letter.ts. */
const DERIVATIONS = [
  { what: 'locator', secret: 32, info: 64, length: 8 },
  { what: 'sender key', secret: 96, info: 92, length: 32 },
  { what: 'content key', secret: 128, info: 124, length: 64 },
];
const HASHES = [
  { what: 'transcript', size: 27 + 8 + 18 + 32 + 1_184 + 1_128 },
  { what: 'second transcript', size: 32 + 48 },
  { what: 'receipt', size: 32 },
];

/** A suite that notes every call, so that it can be made again. */
function recordingSuite(suite: SealingSuite, calls: Call[]): SealingSuite {
  const noted = <A extends unknown[], R>(primitive: (...given: A) => R) => {
    return (...given: A): R => {
      calls.push(() => primitive(...given));
      return primitive(...given);
    };
  };
  return {
    x25519: noted((...given) => suite.x25519(...given)),
    x25519PublicKey: noted((...given) => suite.x25519PublicKey(...given)),
    mlkemKeygen: noted((...given) => suite.mlkemKeygen(...given)),
    mlkemEncapsulate: noted((...given) => suite.mlkemEncapsulate(...given)),
    mlkemDecapsulate: noted((...given) => suite.mlkemDecapsulate(...given)),
    chacha20poly1305Seal: noted((...given) => suite.chacha20poly1305Seal(...given)),
    chacha20poly1305Open: noted((...given) => suite.chacha20poly1305Open(...given)),
  };
}

/** One side's derivations and hashes. */
function derivationCalls(): Call[] {
  const hkdfs = DERIVATIONS.map(({ secret, info, length }) => {
    const [key, salt, context] = [new Uint8Array(secret), new Uint8Array(20), new Uint8Array(info)];
    return () => hkdfSha256(key, salt, context, length);
  });
  const hashes = HASHES.map(({ size }) => {
    const input = new Uint8Array(size);
    return () => sha256(input);
  });
  return [...hkdfs, ...hashes];
}

function letterInput(random: SeededRandom, sender: Person, recipient: Person): EnvelopeInput {
  const { address, descriptor } = recipient;
  const { epoch, bundle } = chooseBundle(descriptor, TEST_NOW);
  return {
    networkId: TEST_NETWORK,
    tag: random.bytes(16),
    sender: sender.sender,
    recipient: { address, identityKey: descriptor.identityKey, epoch, bundle },
    draft: {
      kind: 'message',
      letterId: letterIdFromBytes(random.bytes(16)),
      sentAt: TEST_NOW,
      wantsReceipt: false,
      message: random.bytes(MESSAGE_SIZE),
    },
    randomness: { ephemeralSecret: random.bytes(32), kemMessage: random.bytes(32) },
    maxEnvelope: 24_576,
  };
}

/** Seals one letter and opens it; throws if that fails. */
function roundTrip(
  input: EnvelopeInput,
  reader: LetterReader,
  suite: SealingSuite,
  verifier: Verifier,
): unknown {
  const sealed = sealEnvelope(input, suite);
  if (!sealed.ok) throw new Error(sealed.code);
  const opened = openEnvelope(sealed.value.bytes, TEST_NETWORK, reader, suite, verifier);
  if (!opened.ok) throw new Error(opened.code);
  return opened.value;
}

async function run({ seed, quick, rounds }: BenchContext): Promise<Measurement[]> {
  const suite = bestSuite();
  const verifier = await bestVerifier();
  const [sender, recipient] = [makePerson(0), makePerson(1)];
  const input = letterInput(new SeededRandom(seed), sender, recipient);
  const reader = { ...recipient.reader, keyring: createKeyring(recipient.epochs, suite) };
  // The first letter of an epoch derives its keys; the second is what all others are like.
  roundTrip(input, reader, suite, verifier);
  const calls: Call[] = [...derivationCalls(), ...derivationCalls()];
  const recorder: Verifier = {
    verify: (...given) => {
      calls.push(() => verifier.verify(...given));
      return verifier.verify(...given);
    },
  };
  roundTrip(input, reader, recordingSuite(suite, calls), recorder);
  const costs = await interleave(rounds, {
    letter: repeat(quick, () => roundTrip(input, reader, suite, verifier)),
    primitives: repeat(quick, () => calls.map((call) => call())),
  });
  const compared = compare(costs.letter, costs.primitives, 'thread');
  const [value, limit] = [compared.value / 1_000, compared.limit / 1_000];
  const ratio = compared.costRatio;
  return [
    {
      name: 'letter, seal + open / its primitives',
      value,
      limit,
      unit: 'ms',
      ratio,
      goal: atMost(1.3),
    },
    {
      name: 'letter, seal + open',
      value,
      limit: null,
      unit: 'ms',
      ratio: null,
      goal: valueAtMost(2),
    },
  ];
}

export const letter: Bench = { name: 'letter', goal: 12, run };
