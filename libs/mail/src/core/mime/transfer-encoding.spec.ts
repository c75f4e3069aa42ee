/** Content of parts with the transfer encoding taken off, as BINARY gives it. */
import { expect, it } from '@jest/globals';
import { base64 } from '@scure/base';
import { utf8ToBytes } from '@noble/ciphers/utils.js';
import fc from 'fast-check';
import { readParts } from './part.ts';
import { decodedPart } from './transfer-encoding.ts';

function decode(encoding: string, body: string): Uint8Array | 'unknown' {
  const message = utf8ToBytes(`Content-Transfer-Encoding: ${encoding}\r\n\r\n${body}`);
  return decodedPart(message, readParts(message));
}

it('base64 comes back, whatever stands between its digits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      const lines = base64.encode(bytes).replaceAll(/.{1,76}/g, '$&\r\n');
      expect(decode('BASE64', lines)).toEqual(bytes);
    }),
  );
  expect(decode('base64', 'AA!E C\r\n')).toEqual(Uint8Array.of(0, 1, 2));
});

it('quoted-printable comes back; what is no escape stays', () => {
  expect(decode('quoted-printable', 'Gr=C3=BC=\r\n=C3=9Fe =zz =')).toEqual(
    utf8ToBytes('Grüße =zz ='),
  );
  expect(decode('quoted-printable', 'soft= \t\r\nbreak')).toEqual(utf8ToBytes('softbreak'));
  // White space in front of a line break came in on the way (RFC 2045 §6.7).
  expect(decode('quoted-printable', 'a  \r\n b\t\n c =20\r\nd  ')).toEqual(
    utf8ToBytes('a\r\n b\n c  \r\nd'),
  );
});

it('other encodings are told apart', () => {
  expect(decode('8bit', 'as it is')).toEqual(utf8ToBytes('as it is'));
  expect(decode('x-uuencode', 'x')).toBe('unknown');
});
