/**
 * Finds what a recipient publishes about itself: the newest descriptor in the tangle, proven by a
 * milestone and signed by the account, never older than one seen before. Before: outbox; after:
 * tangle/tangle-access.ts. Spec: docs/spec/21-descriptor.md.
 */
import { type BlockId, bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import {
  decodeDescriptor,
  type Descriptor,
  descriptorTag,
  encodeDescriptor,
  newerDescriptor,
  openDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { descriptors, type RecordOf } from '../store/collections.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import { provenTaggedData, type TangleAccess } from '../tangle/tangle-access.ts';

/**
 * Blocks under one tag that are looked at. Anybody may publish under a tag, junk and copies of old
 * descriptors: when the newest blocks show nothing fresh, more are looked through, so that hiding a
 * descriptor costs as many blocks.
 */
const CANDIDATES = [16, 100] as const;
/** Blocks of one account that need no second proof. */
const MAX_LOOKED_AT = 100;
/** A descriptor is published anew each day; after two, a newer one may be hidden. Seconds. */
const FRESH_SECONDS = 2 * 86_400;

/** A descriptor that the account signed, and the block that carries it. */
interface Published {
  readonly blockId: BlockId;
  readonly descriptor: Descriptor;
}

export interface DescriptorResolverDeps {
  readonly tangle: TangleAccess;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  /** Called when two descriptors of `address` contradict each other. */
  readonly onConflict?: (address: MailAddress) => void;
}

export class DescriptorResolver {
  readonly #deps: DescriptorResolverDeps;

  constructor(deps: DescriptorResolverDeps) {
    this.#deps = deps;
  }

  /**
   * The newest descriptor of `address`, or undefined when none was ever published. Throws the
   * node's errors: a node out of reach is not a recipient without a descriptor.
   */
  async resolve(address: MailAddress): Promise<Descriptor | undefined> {
    const freshSince = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000) - FRESH_SECONDS;
    for (const limit of CANDIDATES) {
      const { published, isAll } = await this.#published(address, limit);
      const newest = await this.#remember(address, published);
      if (isAll || (newest !== undefined && newest.issuedAt >= freshSince)) return newest;
    }
    return this.cached(address);
  }

  /** What was seen last, without asking. */
  cached(address: MailAddress): Descriptor | undefined {
    const record = this.#record(address);
    if (record === undefined) return undefined;
    const decoded = decodeDescriptor(hexToBytes(record.bytes));
    return decoded.ok ? decoded.value : undefined;
  }

  /**
   * Since when two descriptors of `address` with the newest sequence are known: two devices of it
   * that did not agree, or somebody else who has its account key.
   */
  conflictAtMs(address: MailAddress): number | undefined {
    return this.#record(address)?.conflictAtMs;
  }

  #record(address: MailAddress): RecordOf<typeof descriptors> | undefined {
    const { store } = this.#deps;
    return store.get(descriptors, store.opaque(address));
  }

  /**
   * Descriptors that the account signed, among the newest `limit` blocks under its tag. Those that
   * were proven before are part of what is known: without this each mail to a contact would cost
   * sixteen proofs.
   */
  async #published(
    address: MailAddress,
    limit: number,
  ): Promise<{ readonly published: Published[]; readonly isAll: boolean }> {
    const { tangle } = this.#deps;
    const { networkId, verifier, clock } = tangle;
    const expected = { networkId, address, nowSeconds: Math.floor(clock.nowMs() / 1_000) };
    const looked = new Set(this.#record(address)?.lookedAt as readonly BlockId[] | undefined);
    const found = await provenTaggedData(tangle, descriptorTag(address), limit, looked);
    const published = found.proven.flatMap(({ blockId, tag, data }) => {
      const opened = openDescriptor({ tag, data }, expected, verifier);
      return opened.ok ? [{ blockId, descriptor: opened.value }] : [];
    });
    return { published, isAll: found.listed < limit };
  }

  /** The newest of these and of what is known, which is read under the lock: nothing rolls back. */
  async #remember(
    address: MailAddress,
    published: readonly Published[],
  ): Promise<Descriptor | undefined> {
    const { store, writes, tangle, onConflict } = this.#deps;
    return writes.run(async () => {
      const known = this.cached(address);
      let newest = known;
      let isConflict = false;
      for (const { descriptor: one } of published) {
        const newer = newerDescriptor(newest, one);
        if (newer.ok && newer.value !== newest) isConflict = false;
        if (newer.ok) newest = newer.value;
        else if (newer.code === 'descriptor-conflict') isConflict = true;
      }
      const isNew = newest !== known;
      const before = this.#record(address);
      const isNewConflict = isConflict && (isNew || before?.conflictAtMs === undefined);
      if (newest !== undefined && published.length > 0) {
        const bytes = bytesToHex(encodeDescriptor(newest));
        const sinceMs = isNewConflict
          ? tangle.clock.nowMs()
          : isNew
            ? undefined
            : before?.conflictAtMs;
        const conflict = sinceMs === undefined ? {} : { conflictAtMs: sinceMs };
        const ids = published.map(({ blockId }) => blockId);
        const lookedAt = [...new Set([...ids, ...(before?.lookedAt ?? [])])].slice(
          0,
          MAX_LOOKED_AT,
        );
        const batch = store.batch();
        batch.put(descriptors, store.opaque(address), { bytes, ...conflict, lookedAt });
        await batch.write();
        if (isNewConflict) onConflict?.(address);
      }
      return newest;
    });
  }
}
