/**
 * Publishes the account's own descriptor: at first start, when its providers or its epoch change,
 * and every day. Before: client.ts; after: tangle/tangle-access.ts.
 * Spec: docs/spec/21-descriptor.md.
 */
import { blockIdOf } from '@tanglemail/tangle/core/codec/block.ts';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { TaggedData } from '@tanglemail/tangle/core/codec/tagged-data.ts';
import type { IssuedBlock } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';
import {
  decodeDescriptor,
  type DescriptorBody,
  descriptorTag,
  encodeDescriptor,
  type ProviderHint,
  signDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import {
  epochOf,
  type EpochBundle,
  type EpochState,
  publicBundles,
} from '@tanglemail/mail/core/identity/epoch.ts';
import { ENVELOPE_VERSION } from '@tanglemail/mail/core/envelope/envelope.ts';
import type { PublishedDoors } from '../contacts/own-addresses.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import type { Account } from '../account/account.ts';
import { ownDescriptor, type RecordOf } from '../store/collections.ts';
import { Bell } from '../pause.ts';
import type { SealedStore } from '../store/sealed-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import type { DescriptorResolver } from './resolver.ts';

const KEY = 'descriptor';
const REFRESH_SECONDS = 86_400;
/** A letter may wait this long with its sender, and as long again at a provider. */
const SUPERSEDED_SECONDS = 60 * 86_400;

type OwnDescriptor = RecordOf<typeof ownDescriptor>;
type WantedBody = Omit<DescriptorBody, 'sequence'>;

/** How far the present descriptor has come. */
export interface DescriptorStatus {
  readonly sequence: bigint;
  readonly state: 'none' | 'queued' | 'confirmed';
  readonly milestoneIndex?: number;
}

export interface DescriptorPublisherDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly tangle: Pick<TangleAccess, 'issuer' | 'clock' | 'hasher'>;
  readonly resolver: Pick<DescriptorResolver, 'resolve'>;
  readonly suite: SealingSuite;
  readonly epochs: () => EpochState;
  readonly providers: () => readonly ProviderHint[];
  /** Intro keys and policies, and how large a mail may be. */
  readonly doors: () => PublishedDoors;
}

export class DescriptorPublisher {
  readonly #deps: DescriptorPublisherDeps;
  readonly #bell = new Bell();
  /** Eight key pairs take some milliseconds, and are asked for again and again. */
  #bundles:
    | {
        readonly of: EpochState;
        readonly firstEpoch: number;
        readonly list: readonly EpochBundle[];
      }
    | undefined;

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

  /**
   * The oldest epoch that senders may have sealed for because a descriptor of ours named it as its
   * last one; undefined before the first. One that was superseded counts for some weeks more.
   */
  oldestLastEpoch(): number | undefined {
    const record = this.#record();
    if (record === undefined) return undefined;
    const present = lastEpochOf(record);
    const { superseded } = record;
    const nowSeconds = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    if (superseded === undefined || nowSeconds - superseded.at > SUPERSEDED_SECONDS) {
      return present;
    }
    return Math.min(present, superseded.lastEpoch);
  }

  /** The last epoch that the present descriptor names; undefined before the first. */
  lastEpoch(): number | undefined {
    const record = this.#record();
    return record === undefined ? undefined : lastEpochOf(record);
  }

  /** Whether the tangle has a descriptor with our present keys, confirmed. */
  isCurrent(): boolean {
    const record = this.#record();
    return record?.state === 'confirmed' && !isOutdated(record, this.#wantedBody());
  }

  /** Something changed that others should see: whoever waits in `rest` looks again at once. */
  wake(): void {
    this.#bell.ring();
  }

  /** Waits `timeMs`, until `wake` (also one since the last rest), or until `signal`. */
  async rest(timeMs: number, signal: AbortSignal): Promise<void> {
    await this.#bell.rest(timeMs, signal);
  }

  /**
   * Publishes when something changed or a day has passed, and waits for the confirmation. What a
   * crash interrupted goes on in the same block, unless what it says is over by now. True when
   * something was published.
   */
  async publishIfDue(signal: AbortSignal): Promise<boolean> {
    const record = this.#record();
    const wanted = this.#wantedBody();
    const isDue = record === undefined || isOutdated(record, wanted);
    if (!isDue && record.state === 'confirmed') return false;
    await this.#publish(isDue ? await this.#prepare(record, wanted) : record, signal);
    return true;
  }

  /** The next descriptor, signed and on the disk. */
  async #prepare(record: OwnDescriptor | undefined, wanted: WantedBody): Promise<OwnDescriptor> {
    const published = await this.#deps.resolver.resolve(this.#deps.account.address);
    const sequence = nextSequence(record, published);
    const secret = this.#deps.account.keys.account.secretKey;
    const signed = signDescriptor({ ...wanted, sequence }, secret);
    const superseded =
      record === undefined
        ? ofEarlierLife(published, wanted.issuedAt)
        : supersededBy(record, wanted.issuedAt);
    const next: OwnDescriptor = {
      sequence: `${sequence}`,
      bytes: bytesToHex(encodeDescriptor(signed)),
      state: 'queued',
      issuedAt: wanted.issuedAt,
      ...(superseded === undefined ? {} : { superseded }),
    };
    await this.#save(next);
    return next;
  }

  async #publish(record: OwnDescriptor, signal: AbortSignal): Promise<void> {
    const { issuer } = this.#deps.tangle;
    const { block: _known, ...rest } = record;
    const issued = this.#issuedBefore(record) ?? (await this.#issue(record, signal));
    let saved = Promise.resolve();
    const onReattached = ({ bytes }: IssuedBlock): void => {
      saved = saved.then(() => this.#save({ ...rest, block: bytesToHex(bytes) }));
      saved.catch(() => undefined);
    };
    const confirming = issuer.awaitConfirmation(issued, { signal, onReattached });
    const { milestoneIndex } = await confirming.finally(() => saved);
    await this.#save({ ...rest, state: 'confirmed', milestoneIndex });
  }

  async #issue(record: OwnDescriptor, signal: AbortSignal): Promise<IssuedBlock> {
    const { tangle } = this.#deps;
    const issued = await tangle.issuer.issue(this.#payload(record), { signal });
    await this.#save({ ...record, block: bytesToHex(issued.bytes) });
    return issued;
  }

  /** The block in which the descriptor went out before a crash or a long wait. */
  #issuedBefore(record: OwnDescriptor): IssuedBlock | undefined {
    if (record.block === undefined) return undefined;
    const bytes = hexToBytes(record.block);
    const blockId = blockIdOf(bytes, this.#deps.tangle.hasher);
    return { blockId, bytes, payload: this.#payload(record), powMs: 0 };
  }

  #payload({ bytes }: OwnDescriptor): TaggedData {
    const tag = descriptorTag(this.#deps.account.address);
    return { kind: 'tagged-data', tag, data: hexToBytes(bytes) };
  }

  async #save(record: OwnDescriptor): Promise<void> {
    await this.#deps.store.batch().put(ownDescriptor, KEY, record).write();
  }

  #record(): OwnDescriptor | undefined {
    return this.#deps.store.get(ownDescriptor, KEY);
  }

  #wantedBody(): WantedBody {
    const { account, suite, epochs, providers, doors, tangle } = this.#deps;
    const issuedAt = Math.floor(tangle.clock.nowMs() / 1_000);
    const firstEpoch = epochOf(issuedAt);
    const state = epochs();
    if (this.#bundles?.of !== state || this.#bundles.firstEpoch !== firstEpoch) {
      const made = publicBundles(state, firstEpoch, suite);
      if (!made.ok) throw new Error(`broken invariant: no keys for this epoch: ${made.code}`);
      this.#bundles = { of: state, firstEpoch, list: made.value };
    }
    return {
      networkId: account.networkId,
      accountKey: account.keys.account.publicKey,
      issuedAt,
      identityKey: account.keys.identity.publicKey,
      firstEpoch,
      bundles: this.#bundles.list,
      providers: providers(),
      ...doors(),
      maxEnvelope: PADDED_SIZES.at(-1) ?? 0,
      formatVersions: [ENVELOPE_VERSION],
    };
  }
}

/** A day has passed, or something in it is no longer so. */
function isOutdated(record: OwnDescriptor, wanted: WantedBody): boolean {
  if (wanted.issuedAt - record.issuedAt >= REFRESH_SECONDS) return true;
  const published = decodeDescriptor(hexToBytes(record.bytes));
  return !published.ok || changedFacts(published.value) !== changedFacts(wanted);
}

/** The parts of a descriptor whose change is worth a publication. */
function changedFacts(body: DescriptorBody | WantedBody): string {
  const providers = body.providers.map((one) => `${bytesToHex(one.bondId)} ${one.endpoint}`);
  const bundles = body.bundles.map((one) => bytesToHex(one.x25519));
  const doors = [body, ...body.subAddresses].map(({ introKey, policy }) => {
    return `${bytesToHex(introKey)} ${policy.stampBits} ${policy.contactsOnly}`;
  });
  const sizes = [body.maxMail, body.maxEnvelope, ...body.formatVersions];
  return [body.firstEpoch, ...bundles, ...providers, ...doors, ...sizes].join('|');
}

/** A restored account goes on behind what it published in its earlier life. */
function nextSequence(
  record: OwnDescriptor | undefined,
  published: DescriptorBody | undefined,
): bigint {
  const last = record === undefined ? 0n : BigInt(record.sequence);
  const seen = published?.sequence ?? 0n;
  return (seen > last ? seen : last) + 1n;
}

function lastEpochOf(record: OwnDescriptor): number {
  const published = decodeDescriptor(hexToBytes(record.bytes));
  if (!published.ok) throw new Error('broken invariant: our own descriptor decodes');
  return lastEpochIn(published.value);
}

function lastEpochIn({ firstEpoch, bundles }: DescriptorBody): number {
  return firstEpoch + bundles.length - 1;
}

/** The descriptor of before a restore from the words, which senders have used until now. */
function ofEarlierLife(
  published: DescriptorBody | undefined,
  at: number,
): OwnDescriptor['superseded'] {
  return published && { lastEpoch: lastEpochIn(published), at };
}

/**
 * What to remember of a descriptor that is replaced: senders may have sealed for its last epoch.
 */
function supersededBy(record: OwnDescriptor, at: number): OwnDescriptor['superseded'] {
  const lastEpoch = lastEpochOf(record);
  const { superseded } = record;
  // Before the first refresh after a long silence is over, the older of the two still counts.
  const isOlderStillUsed = superseded !== undefined && superseded.lastEpoch < lastEpoch;
  const isRecent = isOlderStillUsed && at - superseded.at <= SUPERSEDED_SECONDS;
  return isRecent ? superseded : { lastEpoch, at };
}
