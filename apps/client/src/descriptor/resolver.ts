/**
 * Finds what a recipient publishes about itself: the newest descriptor in the tangle, proven by a
 * milestone and signed by the account, never older than one seen before. Before: outbox; after:
 * tangle/tangle-access.ts. Spec: docs/spec/21-descriptor.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import {
  decodeDescriptor,
  type Descriptor,
  descriptorTag,
  encodeDescriptor,
  newerDescriptor,
  openDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { descriptors } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import { provenTaggedData, type TangleAccess } from '../tangle/tangle-access.ts';

/** Blocks under one tag that are looked at: anybody may publish under a tag. */
const MAX_CANDIDATES = 16;

export class DescriptorResolver {
  readonly #tangle: TangleAccess;
  readonly #store: SealedStore;

  constructor(deps: { readonly tangle: TangleAccess; readonly store: SealedStore }) {
    this.#tangle = deps.tangle;
    this.#store = deps.store;
  }

  /**
   * The newest descriptor of `address`, or undefined when none was ever published. Throws the
   * node's errors: a node out of reach is not a recipient without a descriptor.
   */
  async resolve(address: MailAddress): Promise<Descriptor | undefined> {
    const known = this.cached(address);
    const { networkId, verifier, clock } = this.#tangle;
    const expected = { networkId, address, nowSeconds: Math.floor(clock.nowMs() / 1_000) };
    let newest = known;
    const found = await provenTaggedData(this.#tangle, descriptorTag(address), MAX_CANDIDATES);
    for (const { tag, data } of found) {
      const opened = openDescriptor({ tag, data }, expected, verifier);
      const newer = opened.ok ? newerDescriptor(newest, opened.value) : opened;
      if (newer.ok) newest = newer.value;
    }
    if (newest !== undefined && newest !== known) await this.#remember(address, newest);
    return newest;
  }

  /** What was seen last, without asking. */
  cached(address: MailAddress): Descriptor | undefined {
    const record = this.#store.get(descriptors, this.#store.opaque(address));
    if (record === undefined) return undefined;
    const decoded = decodeDescriptor(hexToBytes(record.bytes));
    return decoded.ok ? decoded.value : undefined;
  }

  async #remember(address: MailAddress, descriptor: Descriptor): Promise<void> {
    const batch = this.#store.batch();
    const bytes = bytesToHex(encodeDescriptor(descriptor));
    batch.put(descriptors, this.#store.opaque(address), { bytes });
    await batch.write();
  }
}
