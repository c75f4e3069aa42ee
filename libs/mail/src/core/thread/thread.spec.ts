import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_REFERENCES, MAX_THREAD, ThreadForest, type Threaded, withParents } from './thread.ts';

function message(key: string, references: readonly string[] = [], date = 0): Threaded {
  return { key, messageId: `${key}@x`, references: references.map((one) => `${one}@x`), date };
}

function threadsOf(messages: readonly Threaded[]): string[][] {
  const forest = new ThreadForest();
  for (const one of messages) forest.add(one);
  return forest.threads().map((members) => members.map((one) => one.key));
}

describe('conversations', () => {
  it('hold answers of answers, and what is tied together by a message that is missing', () => {
    const list = [message('a'), message('b', ['a'], 1), message('c', ['b'], 2), message('z')];
    expect(threadsOf(list)).toEqual([['a', 'b', 'c'], ['z']]);
    expect(threadsOf([message('b', ['a'], 1), message('c', ['a'], 2)])).toEqual([['b', 'c']]);
  });

  it('never join messages without ids', () => {
    const plain = { messageId: '', references: [], date: 0 };
    expect(
      threadsOf([
        { ...plain, key: 'a' },
        { ...plain, key: 'b' },
      ]),
    ).toEqual([['a'], ['b']]);
  });

  it('take each message once, and two with one id into one conversation', () => {
    const twin = { ...message('a'), key: 'b' };
    expect(threadsOf([message('a'), message('a'), twin])).toEqual([['a', 'b']]);
  });

  it('let one message tie together no more than its newest references', () => {
    const others = Array.from({ length: MAX_REFERENCES + 5 }, (_, at) => `m${at}`);
    const all = threadsOf([...others.map((one) => message(one)), message('tie', others, 1)]);
    expect(all).toHaveLength(6);
  });

  it('are cut where they would be endless', () => {
    const list = Array.from({ length: MAX_THREAD + 1 }, (_, at) => message(`m${at}`, ['root'], at));
    expect(threadsOf(list).map((one) => one.length)).toEqual([MAX_THREAD, 1]);
  });

  const keys = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
  const messages = fc.uniqueArray(
    fc.record({
      key: keys,
      messageId: fc.oneof(keys, fc.constant('')),
      references: fc.array(keys, { maxLength: 3 }),
      date: fc.nat(3),
    }),
    { selector: (one) => one.key, maxLength: 7 },
  );

  it('are the same whatever the order of arrival, and hold each message once', () => {
    fc.assert(
      fc.property(messages, fc.infiniteStream(fc.nat(1_000)), (list, ranks) => {
        const ranked = list.map((one) => ({ one, rank: ranks.next().value ?? 0 }));
        const shuffled = ranked.toSorted((a, b) => a.rank - b.rank).map(({ one }) => one);
        const threads = threadsOf(list);
        expect(threadsOf(shuffled)).toEqual(threads);
        expect(threads.flat().toSorted()).toEqual(list.map((one) => one.key).toSorted());
      }),
    );
  });

  it('are the sets that a plain search from each message finds', () => {
    fc.assert(
      fc.property(messages, (list) => {
        const idsOf = (one: Threaded): string[] =>
          one.messageId === '' ? one.references.slice() : [one.messageId, ...one.references];
        const reach = (start: Threaded): string[] => {
          const found = new Set([start]);
          for (const one of found) {
            for (const other of list) {
              if (idsOf(other).some((id) => idsOf(one).includes(id))) found.add(other);
            }
          }
          return [...found].map((one) => one.key).toSorted();
        };
        for (const thread of threadsOf(list)) {
          const first = list.find((one) => one.key === thread[0])!;
          expect(thread.toSorted()).toEqual(reach(first));
        }
      }),
    );
  });

  it('name the message that each one answers, without circles', () => {
    const list = [message('a', ['b'], 0), message('b', ['a'], 1), message('c', ['a', 'gone'], 2)];
    expect(withParents(list).map((one) => one.parent)).toEqual([undefined, 'a', 'a']);
    fc.assert(
      fc.property(messages, (all) => {
        const parents = new Map<string, string | undefined>(
          withParents(all).map((one) => [one.message.key, one.parent]),
        );
        for (const one of all) {
          let steps = 0;
          for (let at = parents.get(one.key); at !== undefined; at = parents.get(at)) steps++;
          expect(steps).toBeLessThan(all.length);
        }
      }),
    );
  });
});
