/**
 * Publishes the account's own descriptor: at first start, when its providers or its epoch change,
 * and every day. Before: client.ts; after: tangle/tangle-access.ts.
 * Spec: docs/spec/21-descriptor.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';
import {
  decodeDescriptor,
  type Descriptor,
  type DescriptorBody,
  descriptorTag,
  encodeDescriptor,
  type ProviderHint,
  signDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { epochOf, type EpochState, publicBundles } from '@tanglemail/mail/core/identity/epoch.ts';
import { ENVELOPE_VERSION } from '@tanglemail/mail/core/envelope/envelope.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import { ownDescriptor, type RecordOf } from '../store/collections.ts';
import { pause } from '../pause.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { DescriptorResolver } from './resolver.ts';

const KEY = 'descriptor';
const REFRESH_SECONDS = 86_400;

/** How far the present descriptor has come. */
export interface DescriptorStatus {
  readonly sequence: bigint;
  readonly state: 'none' | 'queued' | 'confirmed';
  readonly milestoneIndex?: number;
}

export interface DescriptorPublisherDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly tangle: TangleAccess;
  readonly resolver: DescriptorResolver;
  readonly suite: SealingSuite;
  readonly epochs: () => EpochState;
  readonly providers: () => readonly ProviderHint[];
}

export class DescriptorPublisher {
  readonly #deps: DescriptorPublisherDeps;
  #wake: (() => void) | undefined;

  constructor(deps: DescriptorPublisherDeps) {
    this.#deps = deps;
  }

  status(): DescriptorStatus {
    const record = this.#record();
    if (record === undefined) return { sequence: 0n, state: 'none' };
    const { sequence, state, milestoneIndex } = record;
    const base = { sequence: BigInt(sequence), state };
    return milestoneIndex === undefined ? base : { ...base, milestoneIndex };
  }

  /** Something changed that others should see: whoever waits in `rest` looks again at once. */
  wake(): void {
    this.#wake?.();
  }

  /** Waits `timeMs`, until `wake`, or until `signal`. */
  async rest(timeMs: number, signal: AbortSignal): Promise<void> {
    await pause(timeMs, signal, (wake) => {
      this.#wake = wake;
    });
  }

  /**
   * Publishes when something changed or a day has passed, and waits for the confirmation. A publication
   * that a crash interrupted goes on with the same bytes. True when something was published.
   */
  async publishIfDue(signal: AbortSignal): Promise<boolean> {
    const record = this.#record();
    const wanted = this.#wantedBody();
    if (record !== undefined && record.state === 'queued') {
      await this.#publish(record, signal);
      return true;
    }
    if (record !== undefined && !this.#isDue(record, wanted)) return false;
    const sequence = await this.#nextSequence(record);
    const secret = this.#deps.account.keys.account.secretKey;
    const signed = signDescriptor({ ...wanted, sequence }, secret);
    const next: RecordOf<typeof ownDescriptor> = {
      sequence: `${sequence}`,
      bytes: bytesToHex(encodeDescriptor(signed)),
      state: 'queued',
      issuedAt: wanted.issuedAt,
    };
    await this.#deps.store.batch().put(ownDescriptor, KEY, next).write();
    await this.#publish(next, signal);
    return true;
  }

  async #publish(record: RecordOf<typeof ownDescriptor>, signal: AbortSignal): Promise<void> {
    const { store, tangle, account } = this.#deps;
    const tag = descriptorTag(account.address);
    const data = hexToBytes(record.bytes);
    const confirmed = await tangle.issuer.issueAndConfirm(
      { kind: 'tagged-data', tag, data },
      { signal },
    );
    const { milestoneIndex } = confirmed;
    const done = { ...record, state: 'confirmed' as const, milestoneIndex };
    await store.batch().put(ownDescriptor, KEY, done).write();
  }

  /** A restored account goes on behind what it published in its earlier life. */
  async #nextSequence(record: RecordOf<typeof ownDescriptor> | undefined): Promise<bigint> {
    const last = record === undefined ? 0n : BigInt(record.sequence);
    const published = await this.#deps.resolver.resolve(this.#deps.account.address);
    const seen = published?.sequence ?? 0n;
    return (seen > last ? seen : last) + 1n;
  }

  #record(): RecordOf<typeof ownDescriptor> | undefined {
    return this.#deps.store.get(ownDescriptor, KEY);
  }

  #wantedBody(): Omit<DescriptorBody, 'sequence'> {
    const { account, suite, epochs, providers, tangle } = this.#deps;
    const issuedAt = Math.floor(tangle.clock.nowMs() / 1_000);
    const firstEpoch = epochOf(issuedAt);
    const bundles = publicBundles(epochs(), firstEpoch, suite);
    if (!bundles.ok) throw new Error(`broken invariant: no keys for this epoch: ${bundles.code}`);
    return {
      networkId: account.networkId,
      accountKey: account.keys.account.publicKey,
      issuedAt,
      identityKey: account.keys.identity.publicKey,
      firstEpoch,
      bundles: bundles.value,
      introKey: account.intro.publicKey,
      providers: providers(),
      policy: { stampBits: 0, contactsOnly: false },
      maxEnvelope: PADDED_SIZES.at(-1) ?? 0,
      formatVersions: [ENVELOPE_VERSION],
    };
  }

  #isDue(
    record: RecordOf<typeof ownDescriptor>,
    wanted: Omit<DescriptorBody, 'sequence'>,
  ): boolean {
    if (wanted.issuedAt - record.issuedAt >= REFRESH_SECONDS) return true;
    const published = decodeDescriptor(hexToBytes(record.bytes));
    return !published.ok || changedFacts(published.value) !== changedFacts(wanted);
  }
}

/** The parts of a descriptor whose change is worth a publication. */
function changedFacts(body: Descriptor | Omit<DescriptorBody, 'sequence'>): string {
  const providers = body.providers.map((one) => `${bytesToHex(one.bondId)} ${one.endpoint}`);
  return [body.firstEpoch, bytesToHex(body.introKey), ...providers].join('|');
}
