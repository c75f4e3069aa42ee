/**
 * The rule of the shell under crashes: state and bytes in one batch, first written, then sent or
 * acknowledged. Both ends lose their memory at any step; the wire repeats, swaps and holds back.
 */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { TEST_NOW } from '../../testing/people.ts';
import { valueOf } from '../../testing/vectors.ts';
import { nobleSuite } from '../crypto/noble-suite.ts';
import { openChainMessage } from './receiving.ts';
import { sealChainMessage } from './sending.ts';
import {
  decodeReceivingChain,
  decodeSendingChain,
  encodeReceivingChain,
  encodeSendingChain,
} from './state.ts';
import { envelopeOf, makeChain, MAX_ENVELOPE } from '../../testing/chains.ts';

/** What is on disk: replaced as a whole, so a crash leaves the old or the new one. */
interface SenderDisk {
  readonly chain: Uint8Array;
  readonly outbox: readonly Uint8Array[];
  /** Lines of the user that are sealed already. */
  readonly sealed: number;
}
interface ReceiverDisk {
  readonly chain: Uint8Array;
  readonly inbox: readonly string[];
}

/**
 * One run of the sender from its disk; `crashAt` counts the steps that it still does. A later run
 * has a later `now`: what is sealed anew is another text, which the tests would see.
 */
function runSender(
  disk: SenderDisk,
  lines: readonly string[],
  wire: Uint8Array[],
  crashAt: number,
  now: number,
): SenderDisk {
  let current = disk;
  let steps = crashAt;
  // After a start the outbox goes out again as it is: the same bytes, never sealed anew.
  for (const bytes of current.outbox) if (steps-- > 0) wire.push(bytes);
  while (current.sealed < lines.length) {
    const chain = valueOf(decodeSendingChain(current.chain));
    const message = utf8ToBytes(lines[current.sealed] ?? '');
    const content = { kind: 'text' as const, sentAt: now, message };
    const sealed = valueOf(sealChainMessage(chain, content, MAX_ENVELOPE, nobleSuite));
    if (steps-- <= 0) break;
    current = {
      chain: encodeSendingChain(sealed.chain),
      outbox: [...current.outbox, sealed.bytes],
      sealed: current.sealed + 1,
    };
    if (steps-- <= 0) break;
    wire.push(sealed.bytes);
  }
  return current;
}

/** One run of the receiver over what the wire holds, in the order given. */
function runReceiver(
  disk: ReceiverDisk,
  wire: readonly Uint8Array[],
  crashAt: number,
): ReceiverDisk {
  let current = disk;
  let steps = crashAt;
  for (const bytes of wire) {
    const chain = valueOf(decodeReceivingChain(current.chain));
    const outcome = openChainMessage(chain, envelopeOf(bytes), TEST_NOW, nobleSuite);
    if (steps-- <= 0) break;
    if (!outcome.ok) continue;
    const { opened } = outcome.value;
    const inbox = [...current.inbox, `${opened.number} ${bytesToHex(opened.message)}`];
    current = { chain: encodeReceivingChain(outcome.value.chain), inbox };
  }
  return current;
}

describe('crashes of both shells', () => {
  it('lose no message, show none twice and use no key for two texts', () => {
    const runs = fc.array(
      fc.record({
        send: fc.nat(12),
        receive: fc.nat(12),
        turn: fc.nat(40),
        isReversed: fc.boolean(),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 8 }), (plan, count) => {
        const lines = Array.from({ length: count }, (_, index) => `line ${index}`);
        const { sending, receiving } = makeChain();
        const wire: Uint8Array[] = [];
        let sender: SenderDisk = { chain: encodeSendingChain(sending), outbox: [], sealed: 0 };
        let receiver: ReceiverDisk = { chain: encodeReceivingChain(receiving), inbox: [] };
        for (const [run, { send, receive, turn, isReversed }] of plan.entries()) {
          sender = runSender(sender, lines, wire, send, TEST_NOW + run);
          const at = turn % (wire.length + 1);
          const turned = [...wire.slice(at), ...wire.slice(0, at)];
          receiver = runReceiver(receiver, isReversed ? turned.toReversed() : turned, receive);
        }
        sender = runSender(sender, lines, wire, 1_000, TEST_NOW + 60);
        receiver = runReceiver(receiver, wire, 1_000);

        const expected = lines.map((line, at) => `${at} ${bytesToHex(utf8ToBytes(line))}`);
        expect(receiver.inbox.toSorted()).toEqual(expected.toSorted());
        const sent = new Set(wire.map(bytesToHex));
        const tags = new Set(wire.map((bytes) => bytesToHex(bytes.slice(2, 18))));
        expect([sent.size, tags.size]).toEqual([count, count]);
        expect(valueOf(decodeReceivingChain(receiver.chain))).toMatchObject({ skipped: [] });
      }),
      { numRuns: 20 },
    );
  });
});
