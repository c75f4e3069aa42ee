/**
 * One parcel on its way to the providers of one recipient: announced to all of them before the
 * letter leaves, then part after part to each, from what is on the disk. Before: parcel-uploads.ts;
 * after: mail io, provider/part-client.ts. Spec: docs/spec/25-parcel.md, section 5.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { bondPublicKeyOf } from '@tanglemail/mail/core/market/offer.ts';
import type { UploadPart } from '@tanglemail/mail/core/market/upload.ts';
import { parcelLayout, sealedPartSize } from '@tanglemail/mail/core/parcel/layout.ts';
import {
  markLost,
  markStored,
  nextUploads,
  type ParcelSender,
} from '@tanglemail/mail/core/parcel/sender.ts';
import { ProviderApiError, ProviderFault } from '@tanglemail/mail/io/provider/errors.ts';
import type { PartClient } from '@tanglemail/mail/io/provider/part-client.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { pause } from '../pause.ts';

export interface RunTarget {
  readonly bondId: string;
  readonly endpoint: string;
}

/** What a run needs of the upload that it works for. */
export interface RunDeps {
  readonly tag: Uint8Array;
  readonly tangle: Pick<TangleAccess, 'clock' | 'verifier' | 'networkId'>;
  readonly partsAt: (target: RunTarget) => Promise<PartClient>;
  readonly part: (index: number) => Uint8Array;
  readonly sender: () => ParcelSender;
  /** Makes a change durable. */
  readonly save: (change: (sender: ParcelSender) => ParcelSender) => Promise<void>;
  /** Nothing more is sent to this provider. */
  readonly refuse: (bondId: string, code: string) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Failures in a row after which a provider is left for a later run. */
const MAX_FAILURES = 4;
const FIRST_PAUSE_MS = 250;
/** Parts on their way to one provider at once. */
const LANES = 2;
/** What will not be better the next time. */
const FINAL_CODES = new Set([
  'upload-closed',
  'upload-too-large',
  'body-too-large',
  'part-unannounced',
  'state-conflict',
  'object-released',
  'request-malformed',
]);

export class UploadRun {
  readonly #deps: RunDeps;
  readonly #parts: readonly UploadPart[];
  /** The last failure of each provider that was given up for now. */
  readonly failures = new Map<string, Error>();

  constructor(deps: RunDeps) {
    this.#deps = deps;
    const { manifest } = deps.sender();
    const layout = parcelLayout(manifest.size);
    this.#parts = manifest.roots.map((root, index) => ({
      root: bytesToHex(root),
      size: sealedPartSize(layout, index),
    }));
  }

  /** Sends until every provider has all or was given up; `onAnnounced` once all know the list. */
  async run(targets: readonly RunTarget[], onAnnounced: () => void): Promise<void> {
    let waiting = targets.length;
    const announced = (): void => {
      waiting -= 1;
      if (waiting === 0) onAnnounced();
    };
    await Promise.all(targets.map((target) => this.#serve(target, once(announced))));
  }

  async #serve(target: RunTarget, announced: () => void): Promise<void> {
    const { signal, refuse } = this.#deps;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const before = this.#missing(target).length;
      try {
        await this.#send(target, announced);
        this.failures.delete(target.bondId);
        return;
      } catch (error) {
        this.failures.set(target.bondId, error instanceof Error ? error : new Error('unknown'));
        if (isFinal(error)) await refuse(target.bondId, error.code);
        if (this.#missing(target).length < before) failures = 0;
        if (isFinal(error) || failures + 1 >= MAX_FAILURES) break;
      }
      await pause(FIRST_PAUSE_MS * 2 ** failures, signal);
    }
    announced();
  }

  #missing({ bondId }: RunTarget): number[] {
    return nextUploads(this.#deps.sender(), bondId, this.#parts.length);
  }

  async #send(target: RunTarget, announced: () => void): Promise<void> {
    const { tag, signal, save, partsAt } = this.#deps;
    const client = await partsAt(target);
    const { missing } = await client.announce(tag, this.#parts, signal);
    announced();
    const lost = missing.map((root) => this.#parts.findIndex((one) => one.root === root));
    await save((sender) => lost.reduce((next, at) => markLost(next, target.bondId, at), sender));
    const queue = this.#missing(target);
    const lane = async (): Promise<void> => {
      for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
        await this.#put(client, at);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  }

  async #put(client: PartClient, index: number): Promise<void> {
    const { tag, signal, tangle, part, save } = this.#deps;
    const ledgerTime = Math.floor(tangle.clock.nowMs() / 1_000);
    const sent = { root: this.#parts[index]?.root ?? '', bytes: part(index) };
    const receipt = await client.put(tag, sent, ledgerTime, signal);
    const offer = await client.offer();
    const { networkId, verifier } = tangle;
    const bondPublicKey = bondPublicKeyOf(offer) ?? offer.bondId;
    const expected = { networkId, ledgerTime, offer, bondPublicKey };
    await save((sender) => {
      const marked = markStored(sender, index, receipt, expected, verifier);
      if (!marked.ok) throw new ProviderFault('proof-invalid', marked.code);
      return marked.value;
    });
  }
}

function isFinal(error: unknown): error is ProviderApiError {
  return error instanceof ProviderApiError && FINAL_CODES.has(error.code);
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}
