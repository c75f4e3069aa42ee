/** Every byte that a note may hold, through the whole intake. Failures print the seed. */
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import { encodeFrame } from '@tanglemail/mail/core/group/frame.ts';
import { encodeGroupNote } from '@tanglemail/mail/core/group/note.ts';
import { type ChatPerson, ChatWorld, textsOf } from '../testing/chat-world.ts';
import { sealNote } from '../testing/letters.ts';
import { SealedStoreError } from '../store/sealed-store.ts';

let world = new ChatWorld();

afterEach(() => world.close());

describe('bytes of any kind in notes', () => {
  it('never throw in the whole intake, and leave what was there', async () => {
    world = new ChatWorld();
    const [ada, ben] = [await world.open(1), await world.open(2)];
    await world.befriend(ada, ben);
    const id = await ada.chat.desk.found('Circle', [ben.address]);
    await world.settle([ada, ben]);
    await ada.chat.send({ id, kind: 'group' }, 'hello');
    await world.settle([ada, ben]);
    const log = ada.chat.groups.get(id);
    if (log === undefined) throw new Error('no group');
    const { groupId } = log;
    const tag = new Uint8Array(16).fill(9);
    const letterId = '05'.repeat(16) as never;
    const chainId = '06'.repeat(16) as never;
    const openedAt = Math.floor(world.nowMs / 1_000);
    const audience = new Uint8Array(Buffer.from(id, 'hex'));
    const seed = { type: 'seed', seed: new Uint8Array(32).fill(1), audience, openedAt } as const;
    const body = new Uint8Array(Buffer.from('hi'));
    const frame = encodeFrame({ groupId, heads: log.headsFor(ada.address), body });
    const samples = [
      encodeChainNote(seed),
      encodeChainNote({ type: 'chain-request', chainId, numbers: [1, 2] }),
      encodeChainNote({ type: 'envelope-request', tag }),
      encodeChainNote({ type: 'watched', chainId }),
      encodeChainNote({ type: 'text', letterId, sentAt: 1, text: body }),
      encodeChainNote({ type: 'answered', chainId, tags: [tag] }),
      encodeChainNote({ type: 'length', chainId, length: 3 }),
      encodeGroupNote({ type: 'seed', seed }),
      encodeGroupNote({ type: 'changes', groupId, changes: log.changes() }),
      encodeGroupNote({ type: 'history-request', groupId, heads: [], missing: [] }),
      encodeGroupNote({ type: 'message', letterId, sentAt: 1, frame }),
    ];
    const edits = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 4 });
    const cut = fc.tuple(fc.constantFrom(...samples), edits, fc.nat(900));
    const random = fc.tuple(fc.constantFrom(0xc1, 0xc2), fc.uint8Array({ maxLength: 200 }));
    const bytes = fc.oneof(
      cut.map(([sample, changed, length]) => {
        const broken = sample.slice(0, Math.max(1, length));
        for (const [at, value] of changed) if (at < broken.length) broken[at] = value;
        return broken;
      }),
      random.map(([family, rest]) => Uint8Array.from([family, 1, ...rest])),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (note) => {
        const sealed = await sealNote(ada.who, ben.who, note);
        expect((await ben.who.intake.take(sealed.bytes)).kind).toBe('filed');
      }),
      { numRuns: 150 },
    );
    expect((await textsOf(ben, id)).slice(0, 1)).toEqual(['hello']);
    // Whatever it did to the store can be read again.
    const reopened = await world.open(2, ben.disk).catch((error: unknown) => error);
    expect(reopened).not.toBeInstanceOf(SealedStoreError);
    expect((reopened as ChatPerson).chat.groups.get(id)?.changes()).toHaveLength(2);
  }, 120_000);
});
