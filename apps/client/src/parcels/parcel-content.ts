/**
 * The content of parcels on their way out: made from the bytes of the message when it is needed,
 * sealed part by part, held in memory only while somebody uploads it. Before: parcel-uploads.ts;
 * after: mail core, parcel/seal.ts. Spec: docs/spec/25-parcel.md, section 3.
 */
import { setImmediate } from 'node:timers/promises';
import { contentRange, parcelLayout } from '@tanglemail/mail/core/parcel/layout.ts';
import { encodeParcelLetter } from '@tanglemail/mail/core/parcel/letter.ts';
import type { ParcelManifest } from '@tanglemail/mail/core/parcel/manifest.ts';
import { leaveRepeatsOut } from '@tanglemail/mail/core/parcel/repeats.ts';
import { resealPart, sealPart } from '@tanglemail/mail/core/parcel/seal.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import { nativeSha256 } from '../native-sha256.ts';
import { previewOf } from './preview.ts';

interface Held {
  readonly content: Uint8Array;
  users: number;
}

export class ParcelContents {
  readonly #readRaw: (emailId: string) => Uint8Array;
  readonly #suite: SealingSuite;
  readonly #held = new Map<string, Held>();

  /** @param readRaw the bytes of a message in the store. */
  constructor(readRaw: (emailId: string) => Uint8Array, suite: SealingSuite) {
    this.#readRaw = readRaw;
    this.#suite = suite;
  }

  /** Seals a message under a fresh key; gives what its letter carries. */
  async seal(emailId: string, key: Uint8Array): Promise<Uint8Array> {
    const raw = this.#readRaw(emailId);
    const { content, spans } = leaveRepeatsOut(raw);
    const draft = { size: content.length, contentHash: nativeSha256(content), key };
    const layout = parcelLayout(content.length);
    const roots: Uint8Array[] = [];
    for (let index = 0; index < layout.partCount; index += 1) {
      const { from, to } = contentRange(layout, index);
      const part = sealPart(draft, index, content.subarray(from, to), this.#suite, nativeSha256);
      roots.push(part.root);
      // A part takes some 15 ms; others have their turn in between.
      await setImmediate();
    }
    const preview = await previewOf(raw);
    return encodeParcelLetter({ manifest: { ...draft, roots }, spans, preview });
  }

  /** Runs `work` with a way to make any part of the parcel again. */
  async with<T>(
    emailId: string,
    manifest: ParcelManifest,
    work: (part: (index: number) => Uint8Array) => Promise<T>,
  ): Promise<T> {
    const held = this.#held.get(emailId) ?? this.#hold(emailId);
    held.users += 1;
    const layout = parcelLayout(manifest.size);
    const part = (index: number): Uint8Array => {
      const { from, to } = contentRange(layout, index);
      const bytes = held.content.subarray(from, to);
      const sealed = resealPart(manifest, index, bytes, this.#suite, nativeSha256);
      if (!sealed.ok) throw new Error(`broken invariant: ${sealed.code}`);
      return sealed.value;
    };
    try {
      return await work(part);
    } finally {
      held.users -= 1;
      if (held.users === 0) this.#held.delete(emailId);
    }
  }

  #hold(emailId: string): Held {
    const { content } = leaveRepeatsOut(this.#readRaw(emailId));
    const held = { content, users: 0 };
    this.#held.set(emailId, held);
    return held;
  }
}
