import { describe, expect, it } from '@jest/globals';
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { leaveRepeatsOut, MAX_SPANS, messageSize, putTogether, takeApart } from './repeats.ts';

/** A multipart message whose attachments have these bodies. */
function mailOf(bodies: readonly Uint8Array[]): Uint8Array {
  const head = 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n';
  const parts = bodies.flatMap((body, index) => [
    utf8ToBytes(`--b\r\nContent-Disposition: attachment; filename=${index}\r\n\r\n`),
    body,
    utf8ToBytes('\r\n'),
  ]);
  return concatBytes(utf8ToBytes(head), ...parts, utf8ToBytes('--b--\r\n'));
}

const filled = (value: number, size = 5_000): Uint8Array => new Uint8Array(size).fill(value);

describe('attachments with the same bytes in one mail', () => {
  it('travel once, and the message comes back byte for byte', () => {
    const message = mailOf([filled(65), filled(66), filled(65), filled(65)]);
    const { content, spans } = leaveRepeatsOut(message);
    expect(message.length - content.length).toBe(2 * 5_002);
    expect(spans).toHaveLength(5);
    expect(putTogether(content, spans)).toEqual(message);
    expect(takeApart(message, spans)).toEqual(content);
    // Both copies are compared: the one that stayed and the ones that were left out.
    for (const at of [0, 120, message.length - 5_100]) {
      const other = takeApart(message.with(at, (message[at] ?? 0) ^ 1), spans);
      expect(other === undefined || other.some((byte, index) => byte !== content[index])).toBe(
        true,
      );
    }
    expect(takeApart(message.with(message.length - 5_100, 1), spans)).toBeUndefined();
    expect(takeApart(message.subarray(1), spans)).toBeUndefined();
  });

  it('are one span when nothing is said twice, or nothing that is worth it', () => {
    for (const message of [
      mailOf([filled(65), filled(66)]),
      mailOf([filled(65, 9), filled(65, 9)]),
    ]) {
      const { content, spans } = leaveRepeatsOut(message);
      expect(content).toBe(message);
      expect(spans).toEqual([{ from: 0, length: message.length }]);
    }
  });

  it('keep within the bounds of a letter, however many there are', () => {
    const message = mailOf(Array.from({ length: 100 }, () => filled(70, 4_200)));
    const { content, spans } = leaveRepeatsOut(message);
    expect(spans.length).toBe(MAX_SPANS);
    expect(putTogether(content, spans)).toEqual(message);
  });

  it('come back whatever the bytes are', () => {
    const body = fc.tuple(fc.integer({ min: 43, max: 47 }), fc.constantFrom(4_096, 4_100, 9_000));
    const junk = fc
      .array(fc.constantFrom('--', '\r\n', '\r\n\r\n', 'a', '-', '--b', '\n--'), { maxLength: 60 })
      .map((pieces) => utf8ToBytes(pieces.join('')));
    fc.assert(
      fc.property(fc.array(body, { maxLength: 8 }), junk, junk, (bodies, before, behind) => {
        const mail = mailOf(bodies.map(([value, size]) => filled(value, size)));
        const message = concatBytes(before, mail, behind, mail);
        const { content, spans } = leaveRepeatsOut(message);
        expect(messageSize(spans)).toBe(message.length);
        expect(putTogether(content, spans)).toEqual(message);
      }),
    );
  });
});
