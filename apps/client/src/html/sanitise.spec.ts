import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { remoteLoads } from '../testing/remote-loads.ts';
import { type InlineImage, MAX_HTML_LENGTH, MAX_INLINE_BYTES, sanitise } from './sanitise.ts';

const NONE: ReadonlyMap<string, InlineImage> = new Map();
const clean = (html: string): string => sanitise(html, NONE).html;
const ELSEWHERE = 'http://trap.example';

/** What is left that could ask for something: elements, attributes and styles. */
function loading(html: string): string[] {
  const tags = html.match(/<[a-z][^>]*>/gi) ?? [];
  const harmful = [
    /<(?!\/|(?:a|b|br|div|img|p|pre|span|table|tbody|td|tr|u|ul|li|details|summary)[ >/])/i,
    /\s(?:src|srcset|background|poster|data|ping|action|code)\s*=\s*["']?(?!data:image)/i,
    /url\s*\(|image-set|@import|\\/i,
    /\son\w+\s*=/i,
  ];
  return tags.filter((tag) => harmful.some((one) => one.test(tag)));
}

describe('remote loads', () => {
  const ways = remoteLoads(ELSEWHERE);

  it('are many', () => {
    expect(ways.length).toBeGreaterThanOrEqual(28);
    expect(new Set(ways.map(([name]) => name)).size).toBe(ways.length);
    // The eye of this test sees them before they are cleaned.
    const seen = ways.filter(([, html]) => loading(html).length > 0);
    expect(seen.length).toBeGreaterThan(ways.length * 0.9);
  });

  it.each(ways)('%s is gone', (_name, html) => {
    const cleaned = clean(html);
    expect(loading(cleaned)).toEqual([]);
    expect(cleaned.replaceAll(/>[^<]*</g, '><')).not.toContain('trap.example');
  });

  it('are gone wherever they stand together', () => {
    const all = fc.shuffledSubarray(ways.map(([, html]) => html));
    fc.assert(
      fc.property(all, fc.string(), (parts, between) => {
        expect(loading(clean(parts.join(between)))).toEqual([]);
      }),
    );
  });
});

describe('pictures', () => {
  it('of other hosts are counted, and named in their place', () => {
    const mail = `<img src="${ELSEWHERE}/a.png" alt="A &lt;map&gt;"><p background="x">x</p>`;
    const { html, blockedImages } = sanitise(mail, NONE);
    expect(blockedImages).toBe(2);
    expect(html).toContain('A &lt;map&gt;</span>');
    const beacon = sanitise(`<img src="${ELSEWHERE}/1.gif" width="1" height="1">`, NONE);
    expect(beacon).toMatchObject({ html: '<span></span>', blockedImages: 1 });
  });

  it('of the mail itself are put in, unless they are documents or too large', () => {
    const content = new Uint8Array([1, 2, 3]);
    const images = new Map([
      ['a@x', { contentType: 'image/PNG', content }],
      ['b@x', { contentType: 'image/svg+xml', content }],
      ['c@x', { contentType: 'image/gif', content: new Uint8Array(MAX_INLINE_BYTES + 1) }],
    ]);
    const shown = sanitise('<img src="cid:a%40x" alt="logo">', images);
    expect(shown.html).toBe('<img alt="logo" src="data:image/png;base64,AQID" />');
    expect(shown.blockedImages).toBe(0);
    for (const id of ['b@x', 'c@x', 'd@x']) {
      expect(sanitise(`<img src="cid:${id}">`, images).html).not.toContain('<img');
    }
    expect(clean('<img src="data:image/svg+xml;base64,AAAA">')).not.toContain('<img');
    expect(clean('<img src="data:image/gif;base64,R0lGOD">')).toContain('<img');
  });
});

describe('links', () => {
  it('open a window of their own, which is told nothing, and show their host', () => {
    const link = clean('<a href="https://Shop.example/a?b=1&amp;c=2" onclick="x()">offer</a>');
    expect(link).toBe(
      '<a href="https://Shop.example/a?b=1&amp;c=2" target="_blank" rel="noreferrer noopener" ' +
        'data-host="shop.example">offer</a>',
    );
  });

  it.each(['javascript:x()', ' java\tscript:x()', 'data:text/html,x', 'file:///etc', '//x/y', 'x'])(
    'to %s are none',
    (href) => expect(clean(`<a href="${href}">x</a>`)).toBe('<span>x</span>'),
  );

  it('whose text names another host show where they go before they go there', () => {
    const { html } = sanitise(
      '<a href="https://evil.example/in">www.<b>bank.example</b></a>',
      NONE,
    );
    expect(html).toContain('<summary>⚠ evil.example</summary>');
    expect(html).toContain('<a data-dead>www.<b>bank.example</b></a>');
    expect(clean('<a href="https://www.bank.example/">bank.example</a>')).not.toContain('summary');
  });
});

describe('looks', () => {
  it('are kept where they are harmless', () => {
    const style = 'color:#123;padding:4px 2em;font-family:Arial, sans-serif;text-align:center';
    expect(clean(`<p style="${style}">x</p>`)).toBe(`<p style="${style}">x</p>`);
    expect(clean('<p style="position:fixed;color:red">x</p>')).toBe('<p style="color:red">x</p>');
  });

  it('tell whether a mail has colours of its own', () => {
    const hasColours = (html: string): boolean => sanitise(html, NONE).hasColours;
    expect(hasColours('<p style="margin:0">x</p>')).toBe(false);
    expect(hasColours('<td bgcolor="#fff">x</td>')).toBe(true);
    expect(hasColours('<font color=red>x</font>')).toBe(true);
    expect(hasColours('<body text="black">x</body>')).toBe(true);
    expect(hasColours('<p style="background-color:#fff">x</p>')).toBe(true);
  });

  it('of a body hold for what it holds', () => {
    expect(clean('<body bgcolor="#eee" text="red">x</body>')).toBe(
      '<div style="background-color:#eee;color:red">x</div>',
    );
  });
});

describe('large and deep mails', () => {
  it('are cut and flattened in little time', () => {
    const startMs = performance.now();
    const long = sanitise('<b>x</b>'.repeat(MAX_HTML_LENGTH / 4), NONE);
    expect(long.isCut).toBe(true);
    const deep = clean('<div>'.repeat(100_000));
    expect(deep.match(/<div/g)?.length).toBeLessThanOrEqual(100);
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });
});
