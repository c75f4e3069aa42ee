/** The genesis document: bytes, identity, JSON, and everything that JSON may get wrong. */
import { describe, expect, it } from '@jest/globals';
import { nobleHasher } from '../crypto/blake2b.ts';
import { NETWORK_PRESETS } from '../params/networks.ts';
import {
  encodeGenesis,
  genesisToJson,
  genesisTransactionId,
  networkIdOf,
  parseGenesisJson,
  type Genesis,
} from './genesis.ts';
import { bytesToHex, type Address } from './ids.ts';

const address = 'aa'.repeat(32) as Address;
const genesis: Genesis = {
  name: 'unit-test',
  timestampMs: 1_700_000_000_000,
  params: NETWORK_PRESETS.test,
  committee: [new Uint8Array(32).fill(0xcc)],
  outputs: [{ address, amount: 1_000_000n }],
};
const BYTES = [
  '01',
  '09',
  bytesToHex(new TextEncoder().encode('unit-test')),
  '0068e5cf8b010000',
  '0100000000000000',
  '04',
  '06',
  'c8000000',
  'd0070000',
  '88130000',
  '3c000000',
  '100e0000',
  '01',
  'cc'.repeat(32),
  '0100',
  address,
  '40420f0000000000',
].join('');

interface Document {
  [key: string]: unknown;
  params: Record<string, unknown>;
}

function changed(change: (document: Document) => void): unknown {
  const document = JSON.parse(genesisToJson(genesis)) as Document;
  change(document);
  return parseGenesisJson(JSON.stringify(document));
}

function invalid(detail: string): object {
  return { ok: false, action: 'reject', code: 'genesis-invalid', detail };
}

describe('genesis', () => {
  it('has its bytes', () => {
    expect(bytesToHex(encodeGenesis(genesis))).toBe(BYTES);
  });

  it('is named by the hash of its bytes', () => {
    const domain = new TextEncoder().encode('tanglemail/genesis/v1\0');
    const hash = nobleHasher.blake2b256(Uint8Array.of(...domain, ...encodeGenesis(genesis)));
    expect(genesisTransactionId(genesis, nobleHasher)).toBe(bytesToHex(hash));
    const low = hash.subarray(0, 8).reduceRight((id, byte) => (id << 8n) | BigInt(byte), 0n);
    expect(networkIdOf(genesis, nobleHasher)).toBe(low);
    const other = { ...genesis, timestampMs: genesis.timestampMs + 1 };
    expect(networkIdOf(other, nobleHasher)).not.toBe(low);
  });

  it('comes back from its JSON', () => {
    for (const params of Object.values(NETWORK_PRESETS)) {
      const one = { ...genesis, params };
      expect(parseGenesisJson(genesisToJson(one))).toEqual({ ok: true, value: one });
    }
  });

  it('says what a bond must hold only where there are elections', () => {
    const electing = { ...genesis, params: { ...genesis.params, validatorBondMin: 0x0102n } };
    expect(bytesToHex(encodeGenesis(electing))).toBe(`${BYTES}0201000000000000`);
    expect(networkIdOf(electing, nobleHasher)).not.toBe(networkIdOf(genesis, nobleHasher));
    expect(parseGenesisJson(genesisToJson(electing))).toEqual({ ok: true, value: electing });
    expect(genesisToJson(electing)).toContain('"validatorBondMin": "258"');
    expect(genesisToJson(genesis)).not.toContain('validatorBondMin');
    const said = changed((document) => (document.params['validatorBondMin'] = '0'));
    expect(said).toEqual({ ok: true, value: genesis });
  });

  it('too-large', () => {
    expect(parseGenesisJson(' '.repeat(1_048_577))).toMatchObject({ code: 'too-large' });
  });

  it('genesis-invalid: not a document', () => {
    expect(parseGenesisJson('{')).toEqual(invalid('not JSON'));
    for (const text of ['null', '[]', '1', '{}']) {
      expect(parseGenesisJson(text)).toEqual(invalid('document'));
    }
    expect(changed((document) => (document['extra'] = 1))).toEqual(invalid('document'));
  });

  it.each([
    ['name', ['', 'Upper', 'a'.repeat(33), 'with space', 7, null]],
    ['timestampMs', [-1, 0.5, 2 ** 53, '1', null]],
    ['params', [null, [], {}]],
    ['committee', [null, [], {}, [1], ['cc'], Array.from({ length: 33 }, () => 'cc'.repeat(32))]],
    ['committee', [['cc'.repeat(32), 'cc'.repeat(32)], ['CC'.repeat(32)]]],
    ['outputs', [null, [], [null], [{ address }], [{ address: 'aa', amount: '1' }]]],
    [
      'outputs',
      ['0', '-1', '01', '1.0', '', ' 1', 1, `${2n ** 64n}`].map((amount) => [{ address, amount }]),
    ],
    [
      'outputs',
      [
        [
          { address, amount: `${2n ** 64n - 1n}` },
          { address, amount: '1' },
        ],
      ],
    ],
  ])('genesis-invalid: %s', (field, values) => {
    for (const value of values) {
      expect(changed((document) => (document[field] = value))).toEqual(invalid(field));
    }
  });

  it.each([
    ['powBaseBits', [-1, 65, '4', 1.5, undefined]],
    ['powLoadBitsMax', [-1, 33]],
    ['depositPerByte', [1, '-1', `${2n ** 56n}`]],
    ['milestoneIntervalMs', [0, 2 ** 32]],
    ['heartbeatMs', [0, 2 ** 32]],
    ['maxDriftMs', [-1, 2 ** 32]],
    ['belowMaxDepth', [1, 2 ** 32]],
    ['epochLength', [0, 2 ** 32]],
    ['validatorBondMin', [0, 1, null, '-1', '01', `${2n ** 64n}`]],
    ['unknown', [1]],
  ])('genesis-invalid: params.%s', (field, values) => {
    for (const value of values) {
      const outcome = changed((document) => (document.params[field] = value));
      expect(outcome).toEqual(invalid('params'));
    }
  });
});
