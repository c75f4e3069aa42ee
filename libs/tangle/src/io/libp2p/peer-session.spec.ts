/** Answers of one peer: collecting, bounds, time-outs, frames that have no place. */
import { describe, expect, it } from '@jest/globals';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { decodeFrame, FRAME_LENGTH_BYTES, MAX_ANSWER_SIZE } from '../../core/codec/frame.ts';
import type { AnswerEnd, Frame } from '../../core/codec/frame.ts';
import type { FrameChannel } from './frame-channel.ts';
import { PeerSession } from './peer-session.ts';

const peerId = peerIdFromPrivateKey(await generateKeyPair('Ed25519'));

interface Bench {
  readonly session: PeerSession;
  readonly sent: Frame[];
  readonly time: { nowMs: number };
}

function bench(): Bench {
  const sent: Frame[] = [];
  const time = { nowMs: 0 };
  const session = new PeerSession(peerId, {
    requestTimeoutMs: 5_000,
    answerTimeoutMs: 15_000,
    minAnswerBytesPerSecond: 100,
    nowMs: () => time.nowMs,
  });
  const channel: Pick<FrameChannel, 'ended' | 'send'> = {
    ended: false,
    send: (bytes) => {
      const frame = decodeFrame(bytes.subarray(FRAME_LENGTH_BYTES));
      if (frame.ok) sent.push(frame.value);
    },
  };
  session.outbound = channel as FrameChannel;
  return { sent, session, time };
}

function blocks(requestId: number, end: AnswerEnd, ...sizes: number[]): Frame {
  return { type: 'blocks', requestId, end, items: sizes.map((size) => new Uint8Array(size)) };
}

const CONE = { type: 'get-cone', index: 1, skip: 0 } as const;

describe('peer session', () => {
  it('joins the frames of an answer', async () => {
    const { session, sent } = bench();
    const asked = session.request(CONE, { maxItems: 10 });
    expect(sent).toEqual([{ ...CONE, requestId: 1 }]);
    expect(session.onAnswer(blocks(1, 'more', 10, 20))).toBe(true);
    expect(session.onAnswer(blocks(1, 'complete', 30))).toBe(true);
    const result = await asked;
    expect(result).toMatchObject({ ok: true, answer: { complete: true } });
    expect(result.ok ? result.answer.items.map((item) => item.length) : []).toEqual([10, 20, 30]);
    expect(session.inFlight).toBe(0);
  });

  it.each<[string, Frame]>([
    ['more items than asked for', blocks(1, 'complete', 1, 1, 1)],
    ['an empty frame that ends nothing', blocks(1, 'more')],
    ['a cut long before the limit', blocks(1, 'cut', 100)],
    ['milestones for blocks', { type: 'milestones', requestId: 1, end: 'complete', items: [] }],
  ])('refuses %s', async (_name, frame) => {
    const { session } = bench();
    const asked = session.request(CONE, { maxItems: 2 });
    expect(session.onAnswer(frame)).toBe(false);
    expect(await asked).toEqual({ ok: false, failure: 'invalid' });
  });

  it('refuses an answer beyond the greatest size', async () => {
    const { session } = bench();
    const asked = session.request(CONE, { maxItems: 1_000 });
    const frame = blocks(1, 'more', 32_768, 32_768);
    let accepted = 0;
    while (accepted <= MAX_ANSWER_SIZE && session.onAnswer(frame)) accepted += 65_536;
    expect(accepted).toBe(MAX_ANSWER_SIZE);
    expect(await asked).toEqual({ ok: false, failure: 'invalid' });
  });

  it('holds an answer about the agreement to its own bound, and takes no cut one', async () => {
    const ask = { type: 'get-consensus', epoch: 1, views: [3n], ids: [] } as const;
    const answer = (requestId: number, end: AnswerEnd, items: number): Frame => ({
      type: 'consensus',
      requestId,
      end,
      items: Array.from({ length: items }, () => new Uint8Array(100)),
    });
    const { session, sent } = bench();
    const asked = [1, 2, 3].map(() => session.request(ask, { maxItems: 9, maxBytes: 500 }));
    expect(sent[0]).toEqual({ ...ask, requestId: 1 });
    expect(session.onAnswer(answer(1, 'complete', 5))).toBe(true);
    expect(session.onAnswer(answer(2, 'more', 5))).toBe(true);
    expect(session.onAnswer(answer(2, 'complete', 1))).toBe(false);
    expect(session.onAnswer(answer(3, 'cut', 1))).toBe(false);
    const invalid = { ok: false, failure: 'invalid' };
    expect(await Promise.all(asked)).toMatchObject([{ ok: true }, invalid, invalid]);
  });

  it('refuses frames that are no answers, and answers that were never asked for', () => {
    const { session } = bench();
    expect(session.onAnswer({ type: 'get-cone', requestId: 1, index: 1, skip: 0 })).toBe(false);
    expect(session.onAnswer(blocks(1, 'complete'))).toBe(false);
  });

  it('waits as long as frames come, then no longer', async () => {
    const test = bench();
    const asked = test.session.request(CONE, { maxItems: 100 });
    for (test.time.nowMs = 4_000; test.time.nowMs < 15_000; test.time.nowMs += 4_000) {
      expect(test.session.sweep()).toBe(0);
      expect(test.session.onAnswer(blocks(1, 'more', 1_000))).toBe(true);
    }
    test.time.nowMs = 15_000;
    expect(test.session.sweep()).toBe(1);
    expect(await asked).toEqual({ ok: false, failure: 'timed-out' });
    expect(test.session.onAnswer(blocks(1, 'complete', 1))).toBe(true);
  });

  it('gives up a peer that sends a little now and then', async () => {
    const test = bench();
    const asked = test.session.request(CONE, { maxItems: 100 });
    for (test.time.nowMs = 1_000; test.time.nowMs < 5_000; test.time.nowMs += 1_000) {
      expect(test.session.onAnswer(blocks(1, 'more', 50))).toBe(true);
      expect(test.session.sweep()).toBe(0);
    }
    expect(test.session.sweep()).toBe(1);
    expect(await asked).toEqual({ ok: false, failure: 'timed-out' });
  });

  it('counts as dead after three time-outs in a row, not across an answer', async () => {
    const test = bench();
    const silence = async (): Promise<void> => {
      const asked = test.session.request(CONE, { maxItems: 100 });
      test.time.nowMs += 5_000;
      test.session.sweep();
      await asked;
    };
    await silence();
    await silence();
    const answered = test.session.request(CONE, { maxItems: 100 });
    test.session.onAnswer(blocks(3, 'complete'));
    await answered;
    await silence();
    await silence();
    expect(test.session.isDead).toBe(false);
    await silence();
    expect(test.session.isDead).toBe(true);
  });

  it('ends requests with the stream, on refusal and on abort', async () => {
    const { session } = bench();
    const abort = new AbortController();
    const asked = [
      session.request(CONE, { maxItems: 1 }),
      session.request(CONE, { maxItems: 1, signal: abort.signal }),
      session.request(CONE, { maxItems: 1 }),
    ];
    session.onAnswer({ type: 'error', requestId: 1, reason: 'busy' });
    abort.abort();
    session.endRequests();
    expect(await Promise.all(asked)).toEqual([
      { ok: false, failure: 'refused' },
      { ok: false, failure: 'aborted' },
      { ok: false, failure: 'ended' },
    ]);
  });
});
