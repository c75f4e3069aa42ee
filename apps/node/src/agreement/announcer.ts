/**
 * How often something was said, and who spreads a final milestone. Gossip drops bytes that it has
 * carried within two minutes, so what is said again goes with another attempt number. Certificates
 * of one milestone differ by who counted first, and each is one more message to everybody: so only
 * the leaders of its view and of the next publish it, and other seats if they did not.
 * Path: `agreement.ts` → here → gossip. Spec: docs/spec/15-consensus.md §7, docs/spec/07-gossip.md.
 */
import {
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import { bytesToHex, type MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Clock, Hasher } from '@tanglemail/tangle/core/ports.ts';
import type { AgreementWire, Timers } from './ports.ts';

/** Attempts are one byte on the wire. */
const ATTEMPTS = 256;
/** Milestones that came by gossip and that this node may not know to be final yet. */
const MAX_HEARD = 64;

interface Said {
  readonly view: bigint;
  attempt: number;
}

export class Announcer {
  readonly #deltaMs: number;
  readonly #deps: { clock: Clock; hasher: Hasher; timers: Timers; wire: AgreementWire };
  readonly #said = new Map<string, Said>();
  readonly #heard = new Set<MilestoneId>();
  /** Final milestones that are published unless they are heard; the value cancels it. */
  readonly #pending = new Map<MilestoneId, () => void>();

  constructor(
    { deltaMs }: { deltaMs: number },
    deps: { clock: Clock; hasher: Hasher; timers: Timers; wire: AgreementWire },
  ) {
    this.#deltaMs = deltaMs;
    this.#deps = deps;
  }

  /** Gossips the message: one attempt more for each time that it was said. */
  publish(message: ConsensusMessage): void {
    const { hasher, wire } = this.#deps;
    const key = bytesToHex(hasher.blake2b256(encodeConsensusMessage(message)));
    const said = this.#said.get(key);
    const attempt = said === undefined ? this.#firstAttempt() : (said.attempt + 1) % ATTEMPTS;
    if (said === undefined) this.#said.set(key, { view: viewOf(message), attempt });
    else said.attempt = attempt;
    wire.publish(message, attempt);
  }

  /** Messages of views below this one are not said any more. */
  forgetBelow(view: bigint): void {
    for (const [key, said] of this.#said) if (said.view < view) this.#said.delete(key);
  }

  /** Publishes a final milestone: at once if it is this seat's turn, else if nobody else does. */
  announce(id: MilestoneId, bytes: Uint8Array, isOurTurn: boolean): void {
    const { wire, timers } = this.#deps;
    if (isOurTurn) {
      wire.publishMilestone(bytes);
      return;
    }
    if (this.#heard.has(id) || this.#pending.has(id)) return;
    const cancel = timers.after(this.#deltaMs, () => {
      this.#pending.delete(id);
      wire.publishMilestone(bytes);
    });
    this.#pending.set(id, cancel);
  }

  /** The milestone came by gossip, with its certificate. */
  heard(id: MilestoneId): void {
    this.#pending.get(id)?.();
    this.#pending.delete(id);
    this.#heard.add(id);
    for (const oldest of this.#heard) {
      if (this.#heard.size <= MAX_HEARD) break;
      this.#heard.delete(oldest);
    }
  }

  /** Publishes nothing any more. */
  stop(): void {
    for (const cancel of this.#pending.values()) cancel();
    this.#pending.clear();
  }

  /**
   * One message is said at most once per delta, so a count that begins with the deltas of the clock
   * is beyond all that was said before a restart, when peers may remember those bytes.
   */
  #firstAttempt(): number {
    return Math.floor(this.#deps.clock.nowMs() / this.#deltaMs) % ATTEMPTS;
  }
}

function viewOf(message: ConsensusMessage): bigint {
  if (message.type === 'proposal') return message.proposal.view;
  return message.type === 'vote' ? message.vote.view : message.certificate.view;
}
