/**
 * Liars: peers whose STATUS promises milestones that do not exist, and who answer requests with
 * nothing, with other things, with parts, or not at all. Who believes them stands still.
 */
import { encodeFrame, type Frame } from '@tanglemail/tangle/core/codec/frame.ts';
import { PacedAttack, type AttackOptions } from './attack.ts';
import { Crowd } from './crowd.ts';
import type { PeerBehaviour, Stream } from './peer.ts';

const PEERS = 4;

export class Liar extends PacedAttack {
  readonly #crowd: Crowd;

  constructor(options: AttackOptions) {
    super('liar', options);
    this.#crowd = new Crowd(options.target, PEERS, this.tally, (index) => this.#behaviour(index));
  }

  protected async prepare(): Promise<void> {
    await this.#crowd.fill();
  }

  protected async act(count: number): Promise<void> {
    this.tally.sent += count;
    await this.#crowd.fill();
  }

  protected async finish(): Promise<void> {
    await this.#crowd.stop();
  }

  /** Each liar has its own way, so that each is met. */
  #behaviour(index: number): PeerBehaviour {
    const ahead = [1, 200, 0x7fff_ffff, 0xffff_ffff][index % 4] ?? 1;
    return {
      status: () => ({ solidIndex: ahead, latestIndex: ahead, prunedIndex: 0, peers: 9 }),
      onRequest: (frame, stream) => {
        this.tally.note(`asked ${frame.type}`);
        this.#lie(index, frame, stream);
      },
    };
  }

  #lie(index: number, frame: Frame, stream: Stream): void {
    if (frame.type === 'status' || !('requestId' in frame)) return;
    const { requestId } = frame;
    const type = frame.type === 'get-milestones' ? 'milestones' : 'blocks';
    const wrong = [this.chance.bytes(200), this.chance.bytes(300)];
    const lies: (() => Uint8Array)[] = [
      () => encodeFrame({ type, requestId, end: 'complete', items: [] }),
      () => encodeFrame({ type, requestId, end: 'complete', items: wrong }),
      () => encodeFrame({ type, requestId, end: 'more', items: wrong }),
      () => encodeFrame({ type, requestId, end: 'cut', items: wrong }),
      () => encodeFrame({ type, requestId: requestId + 1, end: 'complete', items: [] }),
      () => encodeFrame({ type: 'error', requestId, reason: 'busy' }),
      () => new Uint8Array(),
    ];
    const bytes = lies[index % lies.length]?.() ?? new Uint8Array();
    this.tally.bytes += bytes.length;
    if (bytes.length > 0 && stream.writeStatus === 'writable') stream.send(bytes);
  }
}
