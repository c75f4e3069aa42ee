/** docs/spec/40-client-store.md against the code, and what a stolen disk shows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { RentalBook } from '../rentals/rental-book.ts';
import { RAW, sealMail } from '../testing/letters.ts';
import { type Disk, memoryStore, sealedMemoryStore } from '../testing/memory-store.ts';
import { NOW_MS, person } from '../testing/people.ts';
import { contacts, counters } from './collections.ts';
import { BUCKETS, SealedStore } from './sealed-store.ts';

const PAGE_URL = new URL('../../../../docs/spec/40-client-store.md', import.meta.url);
const page = readFileSync(PAGE_URL, 'utf8');

describe('docs/spec/40-client-store.md', () => {
  it('has the bucket list of the code', () => {
    const rows = page.split('\n').filter((line) => /^\| \d+ \|/.test(line));
    const named = rows.map((row) => row.split('|').map((cell) => cell.trim()));
    expect(named.map(([, number, name]) => [name, Number(number)])).toEqual(
      Object.entries(BUCKETS),
    );
    expect(named.every(([, , , key, value]) => key !== '' && value !== '')).toBe(true);
  });

  it('has a worked example that the code gives', async () => {
    const disk: Disk = new Map();
    const { store } = memoryStore(disk);
    const randomBytes = (length: number): Uint8Array => new Uint8Array(length).fill(1);
    const storeKey = new Uint8Array(32).fill(7);
    const sealed = new SealedStore({ storeKey }, { store, randomBytes });
    await sealed.batch().put(counters, 'example', { next: 5 }).write();
    const [[key, value]] = [...disk] as [[string, Uint8Array]];
    const digits = page.replaceAll(/\s/g, '');
    for (const hex of [key, bytesToHex(value), sealed.opaque('alice')]) {
      expect(digits).toContain(`\`${hex}\``);
    }
  });
});

describe('a stolen disk', () => {
  it('shows no address, bond, name, text, nor the hash of any of them', async () => {
    const disk: Disk = new Map();
    const { store } = memoryStore(disk);
    const [alice, bob] = [await person(1), await person(2, sealedMemoryStore(store))];
    await bob.contacts.invite(new Uint8Array(32).fill(9), 'my sister', NOW_MS);
    await bob.intake.take((await sealMail(alice, bob)).bytes);
    await sealMail(bob, alice);
    const book = await RentalBook.load(bob);
    const bondId = 'b0'.repeat(32);
    await book.begin(bondId, 'https://provider.example', 30);
    const emailId = bytesToHex(sha256(RAW));
    const { address } = alice.account;
    const secrets = [bondId, emailId, address, bytesToHex(sha256(Buffer.from(address))), 'sister'];
    const text = [...disk]
      .map(([key, value]) => Buffer.from(key, 'hex').toString('latin1') + bytesToHex(value))
      .join('\n');
    for (const secret of secrets) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('hex'));
    }
    expect(disk.size).toBeGreaterThan(10);
  });
});

describe('a value that could not be read again', () => {
  it('is not written', async () => {
    const alice = await person(1);
    const { address } = alice.account;
    const bad = { ...alice.contacts.recipient(address, keysOf(alice), 0), name: 'x'.repeat(65) };
    expect(() => alice.store.batch().put(contacts, 'key', bad)).toThrow('name');
  });
});

function keysOf({ account }: Awaited<ReturnType<typeof person>>) {
  const { account: own, identity } = account.keys;
  return { accountKey: own.publicKey, identityKey: identity.publicKey };
}
