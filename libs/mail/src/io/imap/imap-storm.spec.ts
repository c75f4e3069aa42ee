/**
 * Several programs at one folder, giving commands at random: each believes only what it is told,
 * and all must believe the same in the end. What the folder holds is compared with a model of RFC
 * 3501.
 */
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemoryStore } from './testing/memory-store.ts';
import { type RecentOwners, StormClient } from './testing/storm-client.ts';

const KINDS = ['SELECT', 'SELECT', 'QRESYNC', 'EXAMINE'] as const;
const FLAGS = ['\\Seen', '\\Deleted', '\\Deleted', '\\Flagged', 'work', '$Label1'] as const;
const DELETED = '\\Deleted';

interface Step {
  readonly who: number;
  readonly what: (typeof WHAT)[number];
  /** Picks a message, or the first of several. */
  readonly at: number;
  readonly count: number;
  readonly flag: (typeof FLAGS)[number];
}

const WHAT = [
  'append',
  'append',
  'add',
  'add',
  'remove',
  'set',
  'uidAdd',
  'expunge',
  'uidExpunge',
  'move',
  'copyHere',
  'read',
  'fetch',
  'search',
  'noop',
  'idle',
  'reopen',
] as const;

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(KINDS.length - 1),
  what: fc.constantFrom(...WHAT),
  at: fc.nat(20),
  count: fc.integer({ min: 1, max: 4 }),
  flag: fc.constantFrom(...FLAGS),
});

/** What the folder holds by the rules of RFC 3501: flags by UID. */
class Model {
  readonly flags = new Map<number, Set<string>>();
  #uidNext = 1;

  append(flag: string): void {
    this.flags.set(this.#uidNext++, new Set([flag]));
  }

  change(uids: readonly number[], change: (flags: Set<string>) => void): void {
    for (const uid of uids) {
      const flags = this.flags.get(uid);
      if (flags !== undefined) change(flags);
    }
  }

  expunge(uids: readonly number[]): void {
    for (const uid of uids) if (this.flags.get(uid)?.has(DELETED) === true) this.flags.delete(uid);
  }

  get shown(): [number, string[]][] {
    return Array.from(this.flags, ([uid, flags]) => [uid, [...flags].toSorted()]);
  }
}

/** Writes take their time, as on a disk: other sessions go on in between. */
class SlowStore extends MemoryStore {
  #writes = 0;

  async #pass(): Promise<void> {
    for (let turns = this.#writes++ % 4; turns > 0; turns--) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  async #slowly<T>(write: () => Promise<T>): Promise<T> {
    await this.#pass();
    const result = await write();
    await this.#pass();
    return result;
  }

  override async append(...args: Parameters<MemoryStore['append']>) {
    return this.#slowly(() => super.append(...args));
  }

  override async changeFlags(...args: Parameters<MemoryStore['changeFlags']>) {
    return this.#slowly(() => super.changeFlags(...args));
  }

  override async move(...args: Parameters<MemoryStore['move']>) {
    return this.#slowly(() => super.move(...args));
  }

  override async claimRecent(...args: Parameters<MemoryStore['claimRecent']>) {
    return this.#slowly(() => super.claimRecent(...args));
  }
}

class Storm {
  readonly store: MemoryStore;
  readonly model = new Model();
  readonly clients: StormClient[];

  constructor(store = new MemoryStore()) {
    this.store = store;
    const owners: RecentOwners = new Map();
    this.clients = KINDS.map(() => new StormClient(this.store, owners));
  }

  async open(): Promise<void> {
    for (const [at, client] of this.clients.entries()) await client.open(KINDS[at] ?? 'SELECT');
  }

  get held(): [number, string[]][] {
    const messages = this.store.folder(this.store.idOf('INBOX'))?.messages.values() ?? [];
    return Array.from(messages, ({ uid, flags }) => [uid, [...flags]]);
  }

  /** Gives one command, and tells the model what it means. */
  async play({ who, what, at, count, flag }: Step): Promise<void> {
    const client = this.clients[who]!;
    const isReadOnly = KINDS[who] === 'EXAMINE';
    const { model } = this;
    if (what === 'append') {
      const raw = `Subject: ${flag}\r\n\r\nbody\r\n`;
      model.append(flag);
      await client.run(`APPEND INBOX (${flag}) {${raw.length}+}\r\n${raw}`);
      return;
    }
    if (what === 'noop' || what === 'idle') {
      await client.run(what === 'noop' ? 'NOOP' : 'IDLE\r\nDONE');
      return;
    }
    // Programs learn what a number means before they use it.
    await client.run('NOOP');
    await client.run('FETCH 1:* UID');
    if (what === 'reopen') {
      const known = client.messages.flatMap(({ uid }) => uid ?? []);
      await client.run('CLOSE');
      if (!isReadOnly) model.expunge(known);
      await client.select(isReadOnly);
      return;
    }
    const size = client.messages.length;
    if (size === 0) return;
    const first = at % size;
    const last = Math.min(size, first + count) - 1;
    const picked = client.messages.slice(first, last + 1).flatMap(({ uid }) => uid ?? []);
    const numbers = `${last + 1}:${first + 1}`;
    await this.#use(client, { what, flag, numbers, picked, isReadOnly });
  }

  async #use(
    client: StormClient,
    how: {
      readonly what: Step['what'];
      readonly flag: string;
      readonly numbers: string;
      readonly picked: readonly number[];
      readonly isReadOnly: boolean;
    },
  ): Promise<void> {
    const { what, flag, numbers, picked, isReadOnly } = how;
    const { model } = this;
    const change = (by: (flags: Set<string>) => void): void => {
      if (!isReadOnly) model.change(picked, by);
    };
    const set = picked.join(',');
    const known = client.messages.flatMap(({ uid }) => uid ?? []);
    if (what === 'add') change((flags) => flags.add(flag));
    if (what === 'uidAdd') change((flags) => flags.add(flag));
    if (what === 'remove') change((flags) => flags.delete(flag));
    if (what === 'read') change((flags) => flags.add('\\Seen'));
    if (what === 'set') {
      change((flags) => {
        flags.clear();
        flags.add(flag);
      });
    }
    if (!isReadOnly && what === 'expunge') model.expunge(known);
    if (!isReadOnly && what === 'uidExpunge') model.expunge(picked);
    if (!isReadOnly && what === 'move') for (const uid of picked) model.flags.delete(uid);
    const commands: Partial<Record<Step['what'], string>> = {
      add: `STORE ${numbers} +FLAGS (${flag})`,
      uidAdd: `UID STORE ${set} +FLAGS.SILENT ${flag}`,
      remove: `STORE ${numbers} -FLAGS (${flag})`,
      set: `STORE ${numbers} FLAGS (${flag})`,
      expunge: 'EXPUNGE',
      uidExpunge: `UID EXPUNGE ${set}`,
      move: `UID MOVE ${set} Archive`,
      copyHere: `COPY ${numbers} INBOX`,
      read: `FETCH ${numbers} BODY[]`,
      fetch: `UID FETCH ${set} (FLAGS ENVELOPE)`,
      search: 'SEARCH NOT DELETED SUBJECT e',
    };
    // Of what it changes silently a program hears nothing, but for others' changes.
    if (!isReadOnly && what === 'uidAdd') client.assume(picked, flag);
    await client.run(commands[what] ?? 'NOOP');
  }

  /** After a NOOP each program knows what is there, and asks for no flags that it heard of. */
  async settled(): Promise<unknown[]> {
    const shown: unknown[] = [];
    for (const client of this.clients) {
      await client.run('NOOP');
      await client.run('FETCH 1:* UID');
      const unknown = client.messages.filter(({ flags }) => flags === undefined);
      for (const { uid } of unknown) await client.run(`UID FETCH ${uid} FLAGS`);
      shown.push([client.messages.map(({ uid, flags }) => [uid, flags]), client.faults]);
    }
    return shown;
  }
}

it('leaves the folder as the model says, and every program with what is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const storm = new Storm();
      await storm.open();
      for (const one of steps) {
        await storm.play(one);
        expect(storm.held).toEqual(storm.model.shown);
      }
      const shown = await storm.settled();
      expect(shown).toEqual(KINDS.map(() => [storm.held, []]));
    }),
    { numRuns: 150 },
  );
});

it('tells no program what cannot be, also when all speak at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 60 }), async (steps) => {
      const storm = new Storm(new SlowStore());
      await storm.open();
      const turns = KINDS.map(async (_, who) => {
        for (const one of steps) if (one.who === who) await storm.play(one);
      });
      await Promise.all(turns);
      const shown = await storm.settled();
      expect(shown).toEqual(KINDS.map(() => [storm.held, []]));
    }),
    { numRuns: 150 },
  );
});
