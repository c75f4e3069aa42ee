/**
 * Hostile bytes at the doors: sessions of IMAP and POP3 that hear anything at all, in pieces of any
 * size. None may throw, stop answering or hold what it was not asked to hold.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Pop3Session } from '../pop3/pop3-session.ts';
import { COMMANDS } from './commands/all.ts';
import { ImapSession } from './session/session.ts';
import { CommandReader, MAX_COMMAND_TEXT } from './syntax/command-reader.ts';
import { decodeFolderName, encodeFolderName } from './syntax/modified-utf7.ts';
import { formatSequenceSet, membersOf, readSequenceSet } from './syntax/sequence-set.ts';
import { MemoryStore } from './testing/memory-store.ts';

const RUNS = { numRuns: 300 };

class Wire {
  readonly said: string[] = [];
  isEnded = false;
  readonly isSecure = true;
  readonly canSecure = false;

  async write(bytes: Uint8Array): Promise<void> {
    this.said.push(Buffer.from(bytes).toString('latin1'));
  }

  secure(): void {}

  compress(): void {}

  end(): void {
    this.isEnded = true;
  }
}

/** Words of the grammar, and what is near to them. */
const WORDS =
  'a|UID|FETCH|STORE|SEARCH|SELECT|APPEND|LIST|IDLE|DONE|COPY|MOVE|CREATE|RENAME|STATUS|LOGOUT|' +
  'INBOX|1:*|$|(|)|((|"|\\|{3}|{3+}|{99999999999}|~{1}|*|FLAGS|(FLAGS|BODY[|<0.5>|NOT|OR|TEXT|' +
  'BODY.PEEK[1.2.MIME]|RETURN|ENABLE QRESYNC|EXAMINE INBOX|(QRESYNC (1 1 1:2 (1 1)))|\\Seen|&|' +
  '&AGE-|(MESSAGES)|1-Jan-2026|NIL|\0|\u00ff';
const words = fc.constantFrom(...WORDS.split('|'));
const line = fc.array(words, { maxLength: 8 }).map((all) => `t ${all.join(' ')}\r\n`);
const noise = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const speech = fc.array(fc.oneof(line, noise), { maxLength: 12 }).map((all) => all.join(''));

async function storeWithMail(): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const raw of ['Subject: a\r\n\r\nb\r\n', '', '\r\n', 'no header at all']) {
    store.deliver('F0', { raw: Buffer.from(raw), flags: [], internalDate: 1 });
  }
  return store;
}

async function hear(
  session: { receive(chunk: Uint8Array): Promise<void> },
  text: string,
  pieces: number,
): Promise<void> {
  const bytes = Buffer.from(text, 'latin1');
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += size) {
    await session.receive(bytes.subarray(at, at + size));
  }
}

describe('hostile bytes', () => {
  it('are answered by IMAP, and nothing is thrown', async () => {
    const store = await storeWithMail();
    await fc.assert(
      fc.asyncProperty(speech, fc.integer({ min: 1, max: 9 }), async (text, pieces) => {
        const wire = new Wire();
        const faults: unknown[] = [];
        const session = new ImapSession(
          { allowsPlainLogin: true, maxMessageBytes: 1_000, serverName: 's', serverVersion: '1' },
          {
            login: { login: async () => store },
            commands: COMMANDS,
            transport: wire,
            onFault: (error) => faults.push(error),
            now: () => 1,
          },
        );
        await hear(session, `l LOGIN a b\r\ns SELECT INBOX\r\n${text}`, pieces);
        expect(faults).toEqual([]);
        expect(wire.said.join('')).toContain('l OK');
        session.close();
      }),
      RUNS,
    );
  });

  it('are answered by POP3, and nothing is thrown', async () => {
    const store = await storeWithMail();
    const pop3 = fc.constantFrom('RETR 1', 'TOP 2 9', 'LIST', 'UIDL 9', 'DELE -1', 'RSET', 'AUTH');
    const said = fc.array(fc.oneof(pop3, noise), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(said, fc.integer({ min: 1, max: 9 }), async (lines, pieces) => {
        const wire = new Wire();
        const faults: unknown[] = [];
        const session = new Pop3Session(
          { allowsPlainLogin: true, serverName: 's', folders: { inbox: 'F0', trash: 'F5' } },
          {
            login: { login: async () => store },
            locks: { take: () => () => undefined },
            transport: wire,
            onFault: (error) => faults.push(error),
          },
        );
        await hear(session, ['USER a', 'PASS b', ...lines, ''].join('\r\n'), pieces);
        expect(faults).toEqual([]);
        expect(wire.said.join('')).toContain('+OK 4 mails');
        session.close();
      }),
      RUNS,
    );
  });

  it('are cut into the same commands however they come', () => {
    const read = (text: string, size: number): unknown[] => {
      const reader = new CommandReader({ literalBytes: () => 5 });
      const bytes = Buffer.from(text, 'latin1');
      const events: unknown[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        events.push(...reader.push(bytes.subarray(at, at + size)));
      }
      return events;
    };
    fc.assert(
      fc.property(speech, fc.integer({ min: 1, max: 20 }), (text, size) => {
        expect(read(text, size)).toEqual(read(text, text.length + 1));
      }),
      RUNS,
    );
  });

  it('are not kept beyond the limits', () => {
    const reader = new CommandReader({ literalBytes: () => 5 });
    const all = [...reader.push(Buffer.from(`a X {6}\r\n`))];
    expect(all).toEqual([{ kind: 'too-big', text: expect.stringContaining('a X ') }]);
    const skipped = [...reader.push(Buffer.from(`b X {6+}\r\n123456 rest\r\nc NOOP\r\n`))];
    expect(skipped.map((one) => one.kind)).toEqual(['too-big', 'command']);
    // Two that would each be small enough are not, together.
    const both = [...reader.push(Buffer.from(`d X {3+}\r\nabc {3+}\r\ndef\r\n`))];
    expect(both.map((one) => one.kind)).toEqual(['too-big']);
    const endless = [...reader.push(Buffer.alloc(MAX_COMMAND_TEXT + 1, 'x'))];
    expect(endless).toEqual([{ kind: 'broken' }]);
    expect([...reader.push(Buffer.from('d NOOP\r\n'))]).toEqual([]);
  });
});

describe('names of folders', () => {
  it('come back from modified UTF-7, each by one text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
        expect(decodeFolderName(encodeFolderName(name))).toBe(name);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[&A-Za-z0-9+,/-]{0,20}$/), (text) => {
        const name = decodeFolderName(text);
        expect(name === undefined ? text : encodeFolderName(name)).toBe(text);
      }),
      { numRuns: 2_000 },
    );
    // RFC 3501 §5.1.3.
    expect(encodeFolderName('~peter/mail/台北/日本語')).toBe('~peter/mail/&U,BTFw-/&ZeVnLIqe-');
  });
});

describe('sets of messages', () => {
  it('name the members that they say', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 30 });
    fc.assert(
      fc.property(numbers, numbers, (some, other) => {
        const sorted = other.toSorted((a, b) => a - b);
        const set = readSequenceSet(formatSequenceSet(some));
        const expected = sorted.filter((one) => some.includes(one));
        expect(some.length === 0 ? [] : membersOf(set as never, sorted)).toEqual(expected);
      }),
    );
    expect(membersOf(readSequenceSet('900:*') as never, [1, 5, 9])).toEqual([9]);
    expect(membersOf(readSequenceSet('*:2,2') as never, [1, 5, 9])).toEqual([5, 9]);
    expect(readSequenceSet('$')).toBe('saved');
    for (const wrong of ['', '0', '1:', ':1', '1:2:3', '01', '4294967296', 'a', '1,,2']) {
      expect([wrong, readSequenceSet(wrong)]).toEqual([wrong, undefined]);
    }
  });
});
