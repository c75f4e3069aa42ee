/** What is said of lines and groups: states, links, sizes, notices, rights. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ApiProblem } from '../daemon/problem.ts';
import { en } from '../words/en.ts';
import { deliveryOf } from './delivery.ts';
import { groupProblem } from './group-problem.ts';
import { actsOn, isGroupName, leads } from './group-rules.ts';
import { LineDrafts } from './line-drafts-store.ts';
import { deliveryText, noticeText, type Recipient } from './line-texts.ts';
import { isSending, sizeOf } from './line-writing.ts';
import { partsOf } from './links.ts';
import type { Line } from './loaded-lines.ts';

function to(name: string, state: Recipient['state'], part: Partial<Recipient> = {}): Recipient {
  return { address: `tmt1${name}`, name, state, storedCount: 0, providerCount: 2, ...part };
}

function line(part: Partial<Line>): Line {
  return {
    conversation: 'a'.repeat(48),
    number: 1,
    kind: 'text',
    isOwn: true,
    sender: { address: 'tmt1bobbobbobbob', name: 'Bob' },
    text: 'as the daemon says it',
    sentAtMs: 0,
    receivedAtMs: 0,
    isLeft: false,
    recipients: [],
    ...part,
  };
}

const said = (...recipients: Recipient[]): string | undefined =>
  deliveryText(en.chat, line({ recipients }))?.text;

describe('how far a line has come', () => {
  it('is said of one person with the words of a mail', () => {
    expect(said(to('Bob', 'queued'))).toBe('Queued on this device');
    expect(said(to('Bob', 'stored', { storedCount: 1 }))).toBe('Stored at 1 of 2 providers');
    expect(said(to('Bob', 'fetched'))).toBe('Fetched by recipient');
    expect(said(to('Bob', 'failed', { error: 'contacts-only' }))).toBe(
      'Not sent: they take mail of contacts only',
    );
    expect(said(to('Bob', 'failed', { error: 'brand-new-code' }))).toBe('Not sent: brand-new-code');
    expect(said(to('Bob', 'expired'))).toBe('Expired before it was fetched');
  });

  it('is counted in groups, and red only if it reaches nobody', () => {
    const people = [to('A', 'fetched'), to('B', 'fetched'), to('C', 'fetched')];
    expect(said(...people, to('D', 'stored'))).toBe('Fetched by 3 of 4');
    expect(said(...people, to('D', 'failed'))).toBe('Fetched by 3 of 4 · Not sent to 1 of 4');
    expect(said(to('A', 'queued'), to('B', 'queued'))).toBe('Queued on this device');
    expect(deliveryOf([...people, to('D', 'failed')])?.isLost).toBe(false);
    expect(deliveryOf([to('A', 'failed'), to('B', 'expired')])?.isLost).toBe(true);
    expect(said()).toBeUndefined();
  });
});

describe('links', () => {
  it('are web addresses without what ends the sentence', () => {
    const links = (text: string) => partsOf(text).flatMap(({ href }) => href ?? []);
    expect(links('See https://example.org/a?b=1, or (http://example.org).')).toEqual([
      'https://example.org/a?b=1',
      'http://example.org',
    ]);
    expect(links('https://en.wikipedia.org/wiki/Tangle_(mathematics).')).toEqual([
      'https://en.wikipedia.org/wiki/Tangle_(mathematics)',
    ]);
    expect(links('javascript:alert(1) ftp://a.b https:// data:text/html,x www.a.b')).toEqual([]);
  });

  it('leave the text as it is, whatever it is', () => {
    const words = fc.constantFrom('https://a.b/', '(', ')', ' ', '.', '<b>', '🎈', 'x\n');
    fc.assert(
      fc.property(
        fc.array(words).map((all) => all.join('')),
        (text) => {
          const parts = partsOf(text);
          expect(parts.map((part) => part.text).join('')).toBe(text);
          for (const { start, text: shown } of parts) {
            expect(text.slice(start, start + shown.length)).toBe(shown);
          }
        },
      ),
    );
  });
});

describe('writing a line', () => {
  it('is bounded by bytes, not by characters', () => {
    expect(sizeOf('é'.repeat(8_000))).toEqual({ bytes: 16_000, isEmpty: false, isTooLong: false });
    expect(sizeOf('é'.repeat(8_001)).isTooLong).toBe(true);
    expect(sizeOf(' \n').isEmpty).toBe(true);
  });

  it('sends by the keys that the user wants', () => {
    const enter = {
      key: 'Enter',
      shiftKey: false,
      ctrlKey: false,
      metaKey: false,
      isComposing: false,
    };
    expect(isSending(enter, true)).toBe(true);
    expect(isSending(enter, false)).toBe(false);
    expect(isSending({ ...enter, ctrlKey: true }, false)).toBe(true);
    expect(isSending({ ...enter, shiftKey: true }, true)).toBe(false);
    expect(isSending({ ...enter, isComposing: true }, true)).toBe(false);
    expect(isSending({ ...enter, key: 'a' }, true)).toBe(false);
  });

  it('keeps what was begun, and what could not be sent', () => {
    const drafts = new LineDrafts();
    let told = 0;
    const end = drafts.watch(() => (told += 1));
    drafts.set('bob', 'one');
    drafts.set('carol', 'two');
    drafts.set('bob', '');
    drafts.putBack('bob', 'one');
    drafts.putBack('carol', 'before');
    expect([drafts.get('bob'), drafts.get('carol')]).toEqual(['one', 'before\ntwo']);
    expect(told).toBe(5);
    end();
    for (let index = 0; index < 200; index++) drafts.set(`${index}`, 'x');
    expect([drafts.get('bob'), drafts.get('199'), told]).toEqual(['', 'x', 5]);
  });
});

describe('notices', () => {
  it('are sentences of the language', () => {
    const target = { address: 'tmt1carol', name: 'Carol', isOwn: false };
    const notice = (part: Partial<Line>): string =>
      noticeText('en', en.chat, line({ kind: 'notice', isOwn: false, ...part }));
    expect(notice({ notice: { kind: 'add', target } })).toBe('Bob added Carol');
    expect(notice({ notice: { kind: 'remove', target: { ...target, isOwn: true } } })).toBe(
      'Bob removed you',
    );
    expect(notice({ notice: { kind: 'rename', name: 'Club' }, isOwn: true })).toBe(
      'You called the group “Club”',
    );
    expect(notice({ notice: { kind: 'lost', lines: 3 } })).toMatch(/^3 lines from Bob did not/);
    expect(notice({})).toBe('as the daemon says it');
    const nameless = { address: 'tmt1qqqqqqqqqqqqqqq', name: '' };
    expect(notice({ notice: { kind: 'leave' }, sender: nameless })).toBe('tmt1qqqqqqqq… left');
  });
});

describe('rights in a group', () => {
  it('are those of the specification', () => {
    expect(actsOn('founder', 'member')).toEqual(['promote', 'remove']);
    expect(actsOn('founder', 'admin')).toEqual(['demote', 'remove']);
    expect(actsOn('admin', 'member')).toEqual(['remove']);
    expect(actsOn('admin', 'admin')).toEqual([]);
    expect(actsOn('admin', 'founder')).toEqual([]);
    expect(actsOn('member', 'member')).toEqual([]);
    expect(actsOn(null, 'member')).toEqual([]);
    expect([leads('founder'), leads('admin'), leads('member'), leads(null)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('ask for a name that the group can have, and say who has no proven keys', () => {
    expect(isGroupName('é'.repeat(32))).toBe(true);
    expect(isGroupName('é'.repeat(33))).toBe(false);
    expect(isGroupName(' ')).toBe(false);
    expect(isGroupName('a\nb')).toBe(false);
    const unknown = new ApiProblem('group-member-unknown', 422, 'this person …', 'abc');
    expect(groupProblem(en.chat, unknown)).toMatch(/never written to you.*abc$/);
    expect(groupProblem(en.chat, new Error('other'))).toBe('other');
  });
});
