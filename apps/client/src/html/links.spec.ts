import { describe, expect, it } from '@jest/globals';
import { hostOf, isDeceptive } from './links.ts';

describe('where a link goes', () => {
  it.each([
    ['https://bank.example@evil.example/', 'evil.example'],
    ['HTTPS://EXAMPLE.COM:8443/x', 'example.com'],
    ['https://b\u00fccher.example/', 'xn--bcher-kva.example'],
    ['https://аррle.com/', 'xn--le-6kc8da.com'],
    ['mailto:a@b.example', undefined],
    ['https://', undefined],
  ])('%s goes to %s', (href, host) => expect(hostOf(href)).toBe(host));
});

describe('a link that deceives', () => {
  it.each([
    ['https://bank.example/login', 'https://evil.example/'],
    ['bank.example', 'https://bank.example.evil.example/'],
    ['www.bank.example', 'http://bank-example.net'],
    ['info@bank.example', 'https://evil.example'],
    ['bank.example/a%20b', 'https://evil.example'],
    ['bank.example', 'https://bank.exаmple/'],
  ])('%s to %s', (text, href) => {
    expect(isDeceptive(text, href)).toBe(true);
  });

  it.each([
    ['click here', 'https://evil.example'],
    ['bank.example', 'https://www.bank.example/a'],
    ['https://www.bank.example', 'https://bank.example'],
    ['b\u00fccher.example', 'https://xn--bcher-kva.example'],
    ['a@b.example', 'mailto:c@d.example'],
    ['Version 2.0', 'https://a.example'],
  ])('is not %s to %s', (text, href) => expect(isDeceptive(text, href)).toBe(false));
});
