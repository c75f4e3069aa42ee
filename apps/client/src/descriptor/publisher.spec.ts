/** Publishing the own descriptor: when it is due, and what a crash at any write leaves behind. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  type Descriptor,
  descriptorTag,
  type ProviderHint,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { EPOCH_SECONDS, epochOf, PUBLISHED_EPOCHS } from '@tanglemail/mail/core/identity/epoch.ts';
import {
  type Disk,
  memoryStore,
  type PowerCut,
  sealedMemoryStore,
} from '../testing/memory-store.ts';
import { type Person, person } from '../testing/people.ts';
import { SmallTangle, until } from '../testing/small-tangle.ts';
import { DescriptorPublisher } from './publisher.ts';
import { ownDescriptor } from '../store/collections.ts';
import { DescriptorResolver } from './resolver.ts';

const DAY_MS = 86_400_000;
const PROVIDER: ProviderHint = { bondId: new Uint8Array(32).fill(5), endpoint: 'http://p.example' };

let tangle: SmallTangle;
let abort: AbortController;
let providers: ProviderHint[];

beforeEach(async () => {
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
  abort = new AbortController();
  providers = [];
});

afterEach(() => tangle.stop());

async function publisherOn(
  disk: Disk,
  cut?: PowerCut,
): Promise<{ owner: Person; publisher: DescriptorPublisher }> {
  const owner = await person(1, sealedMemoryStore(memoryStore(disk, cut).store), tangle.access);
  const { account, store, writes } = owner;
  const resolver = new DescriptorResolver({ tangle: tangle.access, store, writes });
  const publisher = new DescriptorPublisher({
    account,
    store,
    tangle: tangle.access,
    resolver,
    suite: nobleSuite,
    epochs: () => owner.epochs.state,
    providers: () => providers,
    doors: () => owner.addresses.published(),
  });
  return { owner, publisher };
}

/** What others see of the account. */
async function seen({ account }: Person): Promise<Descriptor | undefined> {
  const reader = await person(9, sealedMemoryStore(), tangle.access);
  const { store, writes } = reader;
  const resolver = new DescriptorResolver({ tangle: tangle.access, store, writes });
  return resolver.resolve(account.address);
}

/** Blocks under the account's tag. */
function published({ account }: Person): number {
  const tag = bytesToHex(descriptorTag(account.address));
  return [...tangle.node.blocks.values()].filter(({ block: { payload } }) => {
    return payload?.kind === 'tagged-data' && bytesToHex(payload.tag) === tag;
  }).length;
}

describe('DescriptorPublisher', () => {
  it('publishes at the first start, then when something changes or a day passes', async () => {
    const { owner, publisher } = await publisherOn(new Map());
    expect(publisher.status()).toEqual({ sequence: 0n, state: 'none' });
    expect(await publisher.publishIfDue(abort.signal)).toBe(true);
    expect(publisher.status()).toMatchObject({ sequence: 1n, state: 'confirmed' });
    expect((await seen(owner))?.sequence).toBe(1n);
    expect(await publisher.publishIfDue(abort.signal)).toBe(false);
    providers = [PROVIDER];
    expect(await publisher.publishIfDue(abort.signal)).toBe(true);
    expect((await seen(owner))?.providers).toEqual(providers);
    tangle.aheadMs = DAY_MS;
    expect(await publisher.publishIfDue(abort.signal)).toBe(true);
    expect(publisher.status().sequence).toBe(3n);
  });

  it('goes on behind what the account published in an earlier life', async () => {
    const { owner, publisher } = await publisherOn(new Map());
    await publisher.publishIfDue(abort.signal);
    const restored = await publisherOn(new Map());
    await restored.publisher.publishIfDue(abort.signal);
    expect((await seen(owner))?.sequence).toBe(2n);
  });

  it('goes on with the same block after a crash that came behind it', async () => {
    tangle.confirmNoMore();
    const disk: Disk = new Map();
    const { owner, publisher } = await publisherOn(disk);
    const publishing = publisher.publishIfDue(abort.signal);
    await until(() => published(owner) === 1);
    // The block is on the disk as soon as it left; then the client stops.
    await until(() => owner.store.get(ownDescriptor, 'descriptor')?.block !== undefined);
    abort.abort(new Error('stop'));
    await expect(publishing).rejects.toThrow('stop');
    tangle.confirmAlways();
    const restarted = await publisherOn(disk);
    expect(await restarted.publisher.publishIfDue(new AbortController().signal)).toBe(true);
    expect(restarted.publisher.status()).toMatchObject({ sequence: 1n, state: 'confirmed' });
    expect(published(owner)).toBe(1);
  });

  it('publishes nothing that is over by now: providers changed while it waited', async () => {
    tangle.confirmNoMore();
    const disk: Disk = new Map();
    const { owner, publisher } = await publisherOn(disk);
    const publishing = publisher.publishIfDue(abort.signal);
    await until(() => published(owner) === 1);
    abort.abort(new Error('stop'));
    await expect(publishing).rejects.toThrow('stop');
    providers = [PROVIDER];
    tangle.confirmAlways();
    const restarted = await publisherOn(disk);
    await restarted.publisher.publishIfDue(new AbortController().signal);
    expect(await seen(owner)).toMatchObject({ sequence: 2n, providers });
  });

  it('has one present descriptor after a power cut at any write', async () => {
    for (let atWrite = 0; atWrite < 3; atWrite += 1) {
      for (const isApplied of [false, true]) {
        const disk: Disk = new Map();
        const { owner } = await publisherOn(disk);
        const cut = await publisherOn(disk, { atWrite, isApplied });
        await cut.publisher.publishIfDue(abort.signal).catch(() => undefined);
        const restarted = await publisherOn(disk);
        await restarted.publisher.publishIfDue(abort.signal);
        const { sequence, state } = restarted.publisher.status();
        expect([atWrite, isApplied, state]).toEqual([atWrite, isApplied, 'confirmed']);
        expect((await seen(owner))?.sequence).toBe(sequence);
      }
    }
  });

  it('does not forget a wake that comes while it is busy', async () => {
    const { publisher } = await publisherOn(new Map());
    publisher.wake();
    await publisher.rest(3_600_000, abort.signal);
    const resting = publisher.rest(3_600_000, abort.signal);
    publisher.wake();
    await resting;
    expect(publisher.status().state).toBe('none');
  });

  it('says for which old epoch letters may still come after a long silence', async () => {
    const disk: Disk = new Map();
    const { publisher } = await publisherOn(disk);
    expect(publisher.oldestLastEpoch()).toBeUndefined();
    await publisher.publishIfDue(abort.signal);
    const first = epochOf(tangle.access.clock.nowMs() / 1_000);
    const last = first + PUBLISHED_EPOCHS - 1;
    expect(publisher.oldestLastEpoch()).toBe(last);
    tangle.aheadMs = 20 * EPOCH_SECONDS * 1_000;
    const restarted = (await publisherOn(disk)).publisher;
    expect(restarted.oldestLastEpoch()).toBe(last);
    await restarted.publishIfDue(abort.signal);
    expect(restarted.oldestLastEpoch()).toBe(last);
    tangle.aheadMs += DAY_MS;
    await restarted.publishIfDue(abort.signal);
    expect(restarted.oldestLastEpoch()).toBe(last);
    tangle.aheadMs += 61 * DAY_MS;
    expect(restarted.oldestLastEpoch()).toBe(last + 20);
  });
});
