/**
 * Goal 22: a bucket of 30,000 strangers' envelopes, looked through on one thread by the client's
 * own code: their first 64 bytes and what a provider says of their stamp. One run in which all of
 * them carry the work that is asked, so that every key is looked at, and one in which none does: a
 * flood.
 */
import type { MailEnvelope } from '../../libs/mail/src/core/envelope/envelope.ts';
import { matchesStranger, scanDays } from '../../libs/mail/src/core/envelope/stranger.ts';
import { bestSuite } from '../../libs/mail/src/io/crypto/native-suite.ts';
import { bestHasher } from '../../libs/tangle/src/io/accel/hasher.ts';
import { SpamGuard } from '../../apps/client/src/spam/spam-guard.ts';
import { WriteLock } from '../../apps/client/src/store/write-lock.ts';
import { sealedMemoryStore } from '../../apps/client/src/testing/memory-store.ts';
import { SeededRandom } from '../fuzz/random-objects.ts';
import { valueAtMost, type Bench, type BenchContext, type Measurement } from './bench.ts';
import { interleave, median, type Contender } from './measure.ts';

const BUCKET = 30_000;
const QUICK_BUCKET = 300;
const NOW = 1_795_322_400;
const SECONDS_MAX = 5;

interface Listed {
  readonly envelope: MailEnvelope;
  readonly stampBase: Uint8Array;
}

async function run({ seed, quick, rounds }: BenchContext): Promise<Measurement[]> {
  const random = new SeededRandom(seed);
  const suite = bestSuite();
  const secretKey = random.bytes(32);
  const intro = { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
  const count = quick ? QUICK_BUCKET : BUCKET;
  const listed = Array.from({ length: count }, (): Listed => {
    const sealed = suite.x25519PublicKey(random.bytes(32));
    const header = random.bytes(18);
    const envelope = { version: 1, sizeClass: 2, tag: header.subarray(2), header, sealed };
    return { envelope, stampBase: random.bytes(32) };
  });
  const hasher = await bestHasher();
  const days = scanDays(NOW);
  const scan = (stampBits: number): Contender => {
    const guard = new SpamGuard({
      store: sealedMemoryStore(),
      writes: new WriteLock(),
      tangle: { clock: { nowMs: () => NOW * 1_000 }, hasher, networkId: 7n },
      addresses: { doors: () => [{ label: '', stampBits }] },
    });
    const isOurs = ({ envelope, stampBase }: Listed): boolean =>
      guard.hears({ stampBase, tag: envelope.tag }, NOW, () =>
        matchesStranger(envelope, intro, days, 0, suite) ? '' : undefined,
      );
    return {
      run: () => {
        listed.filter(isOurs);
        return listed.length;
      },
    };
  };
  const costs = await interleave(Math.min(rounds, 3), { keys: scan(0), flood: scan(24) });
  const row = (name: string, thread: number): Measurement => ({
    name: `scan of ${BUCKET.toLocaleString('en')} envelopes, ${name}`,
    value: (thread * BUCKET) / 1e6,
    unit: 's',
    limit: null,
    ratio: null,
    goal: valueAtMost(SECONDS_MAX),
  });
  const seconds = (of: 'keys' | 'flood'): number => median(costs[of].map((cost) => cost.thread));
  return [row('every key looked at', seconds('keys')), row('none with a stamp', seconds('flood'))];
}

export const scan: Bench = { name: 'scan', goal: 22, run };
