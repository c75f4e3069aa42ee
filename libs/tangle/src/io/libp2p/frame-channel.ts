/**
 * One stream of the request protocol as a sequence of frames: cuts what arrives into frames of at
 * most 128 KiB, decodes them, and sends frames with back-pressure. Both ends of a stream use it:
 * requester.ts the outbound one, responder.ts the inbound one.
 * Spec: docs/spec/07-gossip.md, "Request protocol".
 */
import { Uint8ArrayList } from 'uint8arraylist';
import { decodeFrame, FRAME_LENGTH_BYTES } from '../../core/codec/frame.ts';
import type { Frame } from '../../core/codec/frame.ts';
import { fail } from '../../core/outcome.ts';
import type { Failure } from '../../core/outcome.ts';
import { MAX_FRAME_SIZE } from '../../core/params/limits.ts';
import { sendAndDrain } from './drain.ts';
import type { Stream } from './types.ts';

/**
 * Small frames may wait up to so many bytes for a peer that does not read; then the stream ends.
 */
const MAX_UNREAD_BYTES = 256 * 1024;

export interface FrameChannelEvents {
  onFrame(frame: Frame): void;
  /** A frame that does not decode. The channel is closed already; no frame follows. */
  onInvalid(failure: Failure): void;
  /** The stream ended, for whatever reason; called once. */
  onEnd(): void;
}

export class FrameChannel {
  readonly #stream: Stream;
  readonly #events: FrameChannelEvents;
  readonly #received = new Uint8ArrayList();
  #ended = false;

  constructor(stream: Stream, events: FrameChannelEvents) {
    this.#stream = stream;
    this.#events = events;
    stream.addEventListener('message', (event) => this.#onData(event.data));
    stream.addEventListener('close', () => this.#onEnd());
    // A long-lived stream has no half-closed state: a peer that will write no more has left it.
    stream.addEventListener('remoteCloseWrite', () => this.close());
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Sends a small frame without waiting. A peer that leaves 256 KiB unread loses the stream. */
  send(frame: Uint8Array): void {
    if (this.#ended || this.#stream.writeStatus !== 'writable') return;
    if (this.#stream.writeBufferLength + frame.length > MAX_UNREAD_BYTES) {
      this.abort('peer does not read');
      return;
    }
    try {
      this.#stream.send(frame);
    } catch (error) {
      this.abort(error instanceof Error ? error.message : 'send failed');
    }
  }

  /** Sends a frame and returns when the stream takes more. Throws when it ended or on `signal`. */
  async sendWithDrain(frame: Uint8Array, signal: AbortSignal): Promise<void> {
    await sendAndDrain(this.#stream, frame, signal);
  }

  /** Ends the stream in order: what was sent still leaves. */
  close(): void {
    if (this.#ended) return;
    this.#stream.close().catch(() => this.abort('close failed'));
    this.#onEnd();
  }

  /** Ends the stream at once. */
  abort(reason: string): void {
    this.#stream.abort(new Error(reason));
    this.#onEnd();
  }

  #onEnd(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#received.consume(this.#received.byteLength);
    this.#events.onEnd();
  }

  #onData(data: Uint8Array | Uint8ArrayList): void {
    if (this.#ended) return;
    this.#received.append(data);
    while (!this.#ended && this.#received.byteLength >= FRAME_LENGTH_BYTES) {
      const length = this.#received.getUint32(0, true);
      if (length === 0 || length > MAX_FRAME_SIZE) {
        this.#onInvalid(fail(length === 0 ? 'truncated' : 'too-large'));
        return;
      }
      if (this.#received.byteLength < FRAME_LENGTH_BYTES + length) return;
      this.#received.consume(FRAME_LENGTH_BYTES);
      const body = this.#received.slice(0, length);
      this.#received.consume(length);
      const outcome = decodeFrame(body);
      if (outcome.ok) this.#events.onFrame(outcome.value);
      else this.#onInvalid(outcome);
    }
  }

  #onInvalid(failure: Failure): void {
    this.abort(`invalid frame: ${failure.code}`);
    this.#events.onInvalid(failure);
  }
}
