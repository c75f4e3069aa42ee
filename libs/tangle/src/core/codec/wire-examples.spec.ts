/**
 * The checked-in examples of wire objects: today's code makes the same bytes, and the spec pages
 * show them.
 */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { makeWireExamples } from '../testing/wire-examples.ts';

const root = new URL('../../../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const vectors = JSON.parse(read('test/vectors/wire.json')) as Record<string, string>;

/** The bytes of each fenced block: the hex at the beginning of its lines. */
function fencedBytes(page: string): string[] {
  const fences = [...page.matchAll(/^```\n([\s\S]*?)^```$/gm)];
  return fences.map((fence) =>
    fence[1]!
      .split('\n')
      .map((line) => /^[0-9a-f]+/.exec(line)?.[0] ?? '')
      .join(''),
  );
}

describe('wire examples', () => {
  it('are made again byte for byte', () => {
    const { source, ...examples } = vectors;
    expect(source).toContain('wire-examples.ts');
    expect(makeWireExamples()).toEqual(examples);
  });

  it('stand on docs/spec/01-block.md', () => {
    const page = read('docs/spec/01-block.md');
    expect(fencedBytes(page)).toEqual([vectors['envelopeBlock'], vectors['auditPath']]);
    for (const name of ['envelopeBlockId', 'taggedData']) expect(page).toContain(vectors[name]);
  });

  it('stand on docs/spec/02-transaction.md', () => {
    const page = read('docs/spec/02-transaction.md');
    const [smallOrder, ...fenced] = fencedBytes(page);
    const names = [
      'richOutput',
      'channelOutput',
      'bondOutput',
      'transaction',
      'voucher',
      'slashingTransaction',
    ];
    expect(smallOrder).toHaveLength(5 * 64);
    expect(fenced).toEqual(names.map((name) => vectors[name]));
    const inline = [
      'alicePublicKey',
      'aliceAddress',
      'bobPublicKey',
      'bobAddress',
      'basicOutput',
      'signingMessage',
      'transactionId',
      'voucherMessage',
    ];
    for (const name of inline) expect(page).toContain(`\`${vectors[name]}\``);
  });

  it('stand on docs/spec/04-milestone.md', () => {
    expect(fencedBytes(read('docs/spec/04-milestone.md'))).toContain(vectors['electionBody']);
  });
});
