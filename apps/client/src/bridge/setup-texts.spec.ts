/** Settings of mail programs: everything that they need, in the form that each reads. */
import { describe, expect, it } from '@jest/globals';
import { SETUP_PROGRAMS, type SetupFacts, setupText } from './setup-texts.ts';

const FACTS: SetupFacts = {
  user: 'tm1qexample@tangle.alt',
  password: 'abcd-efgh',
  host: '127.0.0.1',
  ports: { imap: 1_143, imaps: 1_993, smtp: 1_025, smtps: 1_465, pop3: 1_110, pop3s: 1_995 },
  certFile: '/home/a "b"/ca.pem',
  certPem: '-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n',
};

/** Names of elements that are opened and not closed, or the other way round. */
function unbalanced(xml: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = '', end] of xml.matchAll(/<(\/?)([A-Za-z]+)[^<>]*?(\/?)>/g)) {
    if (end === '/') continue;
    if (slash === '') open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

describe('the settings of', () => {
  it.each(SETUP_PROGRAMS)('%s name user and port', (program) => {
    const text = setupText(program, FACTS);
    expect(text).toMatch(/tm1qexample(@|%40)tangle\.alt/);
    expect(text).toMatch(/1993|1995|1465/);
    expect(text.endsWith('\n')).toBe(true);
  });

  it('mutt, mbsync, msmtp and fetchmail hold the password and the certificate, quoted', () => {
    for (const program of ['mutt', 'mbsync', 'msmtp', 'fetchmail'] as const) {
      const text = setupText(program, FACTS);
      expect(text).toContain('"abcd-efgh"');
      expect(text).toContain('"/home/a \\"b\\"/ca.pem"');
    }
  });

  it('thunderbird and apple are whole XML, and nothing in them can break out', () => {
    const facts = { ...FACTS, user: `a&b<c>"d"@tangle.alt`, password: '</string>' };
    for (const program of ['thunderbird', 'apple'] as const) {
      const text = setupText(program, facts);
      expect(unbalanced(text)).toEqual([]);
      expect(text).toContain('a&amp;b&lt;c&gt;&quot;d&quot;@tangle.alt');
    }
    const apple = setupText('apple', FACTS);
    expect(apple).toContain('<data>QUJD</data>');
    const ids = [...apple.matchAll(/<key>PayloadUUID<\/key><string>([^<]+)</g)].map(
      (one) => one[1],
    );
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  });

  it('nothing that the bridge does not offer', () => {
    const { imap, smtp, smtps } = FACTS.ports;
    const facts = { ...FACTS, ports: { imap: imap!, smtp: smtp!, smtps: smtps! } };
    expect(() => setupText('mutt', facts)).toThrow(RangeError);
    expect(setupText('other', facts)).not.toContain('POP3');
  });
});
