/** Descriptors from a small real node: proven, signed, never an older one than seen before. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type Descriptor,
  type DescriptorBody,
  descriptorTag,
  encodeDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { descriptorOf } from '../testing/letters.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { type Person, person } from '../testing/people.ts';
import { SmallTangle } from '../testing/small-tangle.ts';
import { DescriptorResolver } from './resolver.ts';

let tangle: SmallTangle;
let alice: Person;
let bob: Person;

beforeEach(async () => {
  tangle = await SmallTangle.start();
  alice = await person(1, sealedMemoryStore(), tangle.access);
  bob = await person(2, sealedMemoryStore(), tangle.access);
});

afterEach(() => tangle.stop());

function resolver(who = alice): DescriptorResolver {
  const { store, writes } = who;
  return new DescriptorResolver({ tangle: tangle.access, store, writes });
}

/** Publishes bytes under Bob's tag, whoever made them, in a milestone of their own. */
async function publish(data: Uint8Array): Promise<void> {
  const tag = descriptorTag(bob.account.address);
  await tangle.access.issuer.issue({ kind: 'tagged-data', tag, data });
  tangle.node.confirm();
}

async function publishBobs(more: Partial<DescriptorBody> = {}): Promise<Descriptor> {
  const descriptor = descriptorOf(bob, more);
  await publish(encodeDescriptor(descriptor));
  return descriptor;
}

const resolve = (): Promise<Descriptor | undefined> => resolver().resolve(bob.account.address);

describe('DescriptorResolver', () => {
  it('finds the newest descriptor, and remembers it over a restart', async () => {
    expect(await resolve()).toBeUndefined();
    await publishBobs();
    const newest = await publishBobs({ sequence: 2n });
    expect(await resolve()).toEqual(newest);
    const restarted = await person(1, alice.store, tangle.access);
    expect(resolver(restarted).cached(bob.account.address)).toEqual(newest);
  });

  it('descriptor-rollback: an older one that is shown later changes nothing', async () => {
    const newest = await publishBobs({ sequence: 9n });
    expect(await resolve()).toEqual(newest);
    await publishBobs({ sequence: 3n });
    tangle.node.intercept = hideFrom(tangle, 1);
    expect(await resolve()).toEqual(newest);
  });

  it('shows two descriptors with one number until a higher one comes', async () => {
    const conflicts: string[] = [];
    const { store, writes } = alice;
    const onConflict = (address: string): unknown => conflicts.push(address);
    const watching = new DescriptorResolver({ tangle: tangle.access, store, writes, onConflict });
    const { address } = bob.account;
    const first = await publishBobs({ sequence: 3n });
    await watching.resolve(address);
    expect(watching.conflictAtMs(address)).toBeUndefined();
    await publishBobs({ sequence: 3n, issuedAt: first.issuedAt - 1 });
    expect(await watching.resolve(address)).toEqual(first);
    await watching.resolve(address);
    expect(watching.conflictAtMs(address)).toBeGreaterThan(0);
    expect(conflicts).toEqual([address]);
    await publishBobs({ sequence: 4n });
    await watching.resolve(address);
    expect(watching.conflictAtMs(address)).toBeUndefined();
  });

  it('takes no part in a race: what a slower answer shows does not roll back', async () => {
    const old = await publishBobs({ sequence: 3n });
    const gate = Promise.withResolvers<void>();
    const slow = new DescriptorResolver({
      tangle: slowProofs(tangle, gate.promise),
      store: alice.store,
      writes: alice.writes,
    });
    const slowAnswer = slow.resolve(bob.account.address);
    const newest = await publishBobs({ sequence: 4n });
    expect(await resolve()).toEqual(newest);
    gate.resolve();
    expect(await slowAnswer).toEqual(newest);
    expect(resolver().cached(bob.account.address)).toEqual(newest);
    expect(newest).not.toEqual(old);
  });

  it('believes nobody else under the same tag, and looks behind a heap of junk', async () => {
    const genuine = await publishBobs();
    await publish(encodeDescriptor(descriptorOf(alice)));
    const forged = descriptorOf(bob, { sequence: 99n });
    await publish(encodeDescriptor({ ...forged, signature: genuine.signature }));
    for (let at = 0; at < 16; at += 1) await publish(new Uint8Array([at]));
    expect(await resolve()).toEqual(genuine);
  });

  it('looks behind copies of an old one, which anybody can publish again', async () => {
    const issuedAt = Math.floor(tangle.access.clock.nowMs() / 1_000);
    const old = descriptorOf(bob, { issuedAt: issuedAt - 10 * 86_400 });
    const newest = await publishBobs({ sequence: 2n, issuedAt: issuedAt - 60 });
    for (let at = 0; at < 16; at += 1) await publish(encodeDescriptor(old));
    expect(await resolve()).toEqual(newest);
  });

  it('has nothing proven twice, also over a restart, and junk each time', async () => {
    let proofs = 0;
    const { intercept } = tangle.node;
    tangle.node.intercept = (method, path) => {
      if (path.endsWith('/proof')) proofs += 1;
      return intercept(method, path);
    };
    const asked = async (who = alice): Promise<number> => {
      proofs = 0;
      await resolver(who).resolve(bob.account.address);
      return proofs;
    };
    for (const sequence of [1n, 2n, 3n]) await publishBobs({ sequence });
    expect([await asked(), await asked()]).toEqual([3, 0]);
    await publish(new Uint8Array([1]));
    const newest = await publishBobs({ sequence: 4n });
    const restarted = await person(1, alice.store, tangle.access);
    expect(await asked(restarted)).toBe(2);
    expect(await resolve()).toEqual(newest);
    expect(await asked()).toBe(1);
  });

  it('leaves out what the node cannot prove, and passes on that a node is away', async () => {
    const genuine = await publishBobs();
    await publishBobs({ sequence: 5n });
    const { intercept } = tangle.node;
    const [, second] = tangle.node.referencedBy.keys();
    tangle.node.intercept = (method, path) =>
      path.includes(`${second}/proof`) ? { status: 404, body: {} } : intercept(method, path);
    expect(await resolve()).toEqual(genuine);
    tangle.node.intercept = () => ({ status: 503, body: {} });
    await expect(resolve()).rejects.toMatchObject({ name: 'NodeApiError' });
  });
});

/** Lets the node hide all but the last `count` blocks from its index. */
function hideFrom({ node }: SmallTangle, count: number): SmallTangle['node']['intercept'] {
  const { intercept } = node;
  return (method, path) => {
    const answer = intercept(method, path);
    if (!path.includes('tagged-data') || answer === undefined) return answer;
    const { items } = answer.body as { items: unknown[] };
    return { ...answer, body: { items: items.slice(0, count) } };
  };
}

/** A node whose list is of now, and whose proofs come when `gate` opens. */
function slowProofs({ access }: SmallTangle, gate: Promise<void>): SmallTangle['access'] {
  const { node } = access;
  const slow = {
    taggedData: (tag: Uint8Array, limit: number) => node.taggedData(tag, limit),
    blockProof: async (id: never) => {
      await gate;
      return node.blockProof(id);
    },
  };
  return { ...access, node: slow as never };
}
