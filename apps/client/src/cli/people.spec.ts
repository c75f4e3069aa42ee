/** Contacts, requests, sub-addresses, keys and invites by the command line of whole clients. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { addressOf, formatAddress } from '@tanglemail/mail/core/identity/address.ts';
import {
  descriptorTag,
  encodeDescriptor,
  signDescriptor,
} from '@tanglemail/mail/core/identity/descriptor.ts';
import { nobleSuite } from '@tanglemail/mail/core/crypto/noble-suite.ts';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import type { RunningServer } from '@tanglemail/tangle/io/shell/http.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContactDto, MessageSummaryDto, OutboxItemDto } from '../api/dto.ts';
import type * as dto from '../api/people-dto.ts';
import { createApi } from '../api/create-api.ts';
import type { Client } from '../client.ts';
import { DescriptorResolver } from '../descriptor/resolver.ts';
import { sealedMemoryStore } from '../testing/memory-store.ts';
import { person } from '../testing/people.ts';
import { SmallTangle, until } from '../testing/small-tangle.ts';
import { testTerminal } from '../testing/test-terminal.ts';
import { openWholeClient } from '../testing/whole-client.ts';
import { runProgram } from './program.ts';

/** One user: a client, its API, and the folder by which the command line finds it. */
interface User {
  readonly client: Client;
  readonly address: string;
  cli(...line: string[]): Promise<{ code: number; out: string; err: string }>;
  json<T>(...line: string[]): Promise<T>;
  subjects(folder: string): Promise<string[]>;
}

let tangle: SmallTangle;
let dir: string;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  tangle = await SmallTangle.start();
  tangle.confirmAlways();
  dir = await mkdtemp(join(tmpdir(), 'tanglemail-people-'));
});

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await tangle.stop();
  await rm(dir, { recursive: true });
});

async function user(seedByte: number): Promise<User> {
  const { genesis, baseUrl: nodeUrl } = tangle.node;
  const options = { seedByte, disk: new Map(), nodeUrl, genesis };
  const client = await openWholeClient(options, tangle.access);
  client.start();
  closing.push(() => client.stop());
  const token = `${seedByte}`.padStart(43, 'b');
  const api: RunningServer = await createApi(client.services, {
    host: '127.0.0.1',
    port: 0,
    token,
    version: '0.1.0',
    logger: SILENT_LOGGER,
  });
  closing.push(() => api.close());
  const home = await mkdtemp(join(dir, 'user-'));
  await writeFile(
    join(home, 'daemon.json'),
    JSON.stringify({ api: api.url, token, pid: process.pid }),
  );
  const cli = async (...line: string[]) => {
    const terminal = testTerminal({ input: '', columns: 200 });
    const code = await runProgram(['--data-dir', home, ...line], terminal);
    return { code, ...terminal.written };
  };
  const json = async <T>(...line: string[]): Promise<T> => {
    const { code, out, err } = await cli(...line, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out) as T;
  };
  const subjects = async (folder: string): Promise<string[]> =>
    (await client.service.messages({ folder, limit: 50 })).map((one) => one.subject);
  await until(async () => (await client.service.status()).descriptor.state === 'confirmed');
  const { address } = await client.service.address();
  return { client, address, cli, json, subjects };
}

/** Waits until a change of the descriptor is out. */
async function published({ client }: User, sequence: number): Promise<void> {
  await until(async () => {
    const { descriptor } = await client.service.status();
    return descriptor.sequence === `${sequence}` && descriptor.state === 'confirmed';
  });
}

const send = (from: User, to: string, subject: string, ...more: string[]) =>
  from.cli('send', '--to', to, '--subject', subject, '--body', 'x', ...more);

describe('requests', () => {
  it('are accepted with their mails, rejected, blocked and unblocked; nobody is told', async () => {
    const [alice, bob, carol] = [await user(1), await user(2), await user(3)];
    expect((await alice.cli('settings', 'set', '--name', 'Alice')).code).toBe(0);
    await send(alice, bob.address, 'first');
    await send(carol, bob.address, 'buy this');
    await until(async () => (await bob.subjects('Requests')).length === 2);
    const requests = await bob.json<dto.RequestDto[]>('contacts', 'requests');
    expect(requests.find((one) => one.address === alice.address)).toMatchObject({
      name: 'Alice',
      mails: 1,
    });
    const blocksBefore = tangle.node.blocks.size;
    await bob.json('contacts', 'accept', alice.address);
    expect(await bob.subjects('INBOX')).toEqual(['first']);
    await bob.json('contacts', 'reject', carol.address);
    expect(await bob.subjects('Trash')).toEqual(['buy this']);
    expect(await bob.subjects('Requests')).toEqual([]);
    expect(tangle.node.blocks.size).toBe(blocksBefore);
    // Accepted: exact tags both ways from now on.
    await send(bob, 'Alice', 'answer');
    await until(async () => (await alice.subjects('INBOX')).length === 1);
    await send(alice, bob.address, 'second');
    await until(async () => (await bob.subjects('INBOX')).length === 2);
    const [second] = await alice
      .json<OutboxItemDto[]>('outbox', 'list', '--limit', '1')
      .catch(async () => alice.client.service.outbox({ limit: 1 }));
    expect(second?.tagKind).toBe('contact');
    // Rejected: its next mail asks anew; blocked: Junk.
    await send(carol, bob.address, 'buy that');
    await until(async () => (await bob.subjects('Requests')).length === 1);
    await bob.json('contacts', 'block', carol.address);
    expect(await bob.subjects('Junk')).toEqual(['buy that']);
    await send(carol, bob.address, 'buy it all');
    await until(async () => (await bob.subjects('Junk')).length === 2);
    await bob.json('contacts', 'unblock', carol.address);
    expect((await bob.cli('contacts', 'unblock', carol.address)).code).toBe(4);
    expect((await bob.cli('contacts', 'reject', alice.address)).err).toContain('(request-unknown)');
    expect((await bob.cli('contacts', 'block', bob.address)).err).toContain('(contact-is-self)');
  });

  it('of somebody who takes a contact’s name are marked, and are not called so', async () => {
    const [alice, bob] = [await user(1), await user(2)];
    await bob.json('contacts', 'add', carolAddress(), '--name', 'Alice');
    await alice.cli('settings', 'set', '--name', 'A1ice');
    await send(alice, bob.address, 'it is me');
    await until(async () => (await bob.subjects('Requests')).length === 1);
    const [request] = await bob.json<dto.RequestDto[]>('contacts', 'requests');
    expect(request).toMatchObject({ name: 'A1ice', looksLike: carolAddress() });
    expect((await bob.cli('contacts', 'requests')).out).toContain('looks like a contact of yours');
    const [mail] = await bob.client.service.messages({ folder: 'Requests', limit: 1 });
    expect(mail?.from).toMatchObject({ name: 'A1ice', looksLike: carolAddress() });
    const taken = await bob.cli('contacts', 'accept', alice.address, '--name', 'alice');
    expect([taken.code, taken.err]).toEqual([5, expect.stringContaining('(name-taken)')]);
    expect(await bob.json('contacts', 'accept', alice.address)).toMatchObject({ name: '' });
    const renamed = await bob.cli('contacts', 'edit', alice.address, '--name', 'ALICE');
    expect(renamed.err).toContain('(name-taken)');
    const edited = await bob.json(
      'contacts',
      'edit',
      alice.address,
      '--name',
      'Al',
      '--note',
      'hm',
    );
    expect(edited).toMatchObject({ name: 'Al', note: 'hm' });
    expect(await bob.json('contacts', 'edit', 'Al', '--note', '')).not.toHaveProperty('note');
  });
});

/** An account that nobody runs. */
function carolAddress(): string {
  return formatAddress({ address: addressOf(new Uint8Array(32).fill(3)), network: 'main' });
}

describe('sub-addresses', () => {
  it('are written to until they are revoked with whoever came by them', async () => {
    const [alice, bob] = [await user(1), await user(2)];
    const shop = await bob.json<dto.SubAddressDto>('address', 'add', 'shop');
    expect(shop.address).toBe(`${bob.address}+shop`);
    await published(bob, 2);
    const own = await bob.json('address', '--sub', 'shop');
    expect(own).toMatchObject({ address: shop.address, link: shop.link });
    await send(alice, shop.email, 'order');
    await until(async () => (await bob.subjects('Requests')).length === 1);
    const [mail] = await bob.client.service.messages({ folder: 'Requests', limit: 1 });
    expect((mail as MessageSummaryDto).subAddress).toBe('shop');
    expect(mail?.to).toBe(shop.email);
    const changed = await bob.json('address', 'policy', 'shop', '--contacts-only', 'on');
    expect(changed).toMatchObject({ contactsOnly: true });
    await published(bob, 3);
    const revoked = await bob.json<dto.RevokedDto>('address', 'revoke', 'shop', '--block-contacts');
    expect(revoked).toMatchObject({
      blocked: 1,
      contacts: [{ address: alice.address, cameBy: 'shop', state: 'blocked' }],
    });
    expect(await bob.subjects('Junk')).toEqual(['order']);
    await published(bob, 4);
    await send(alice, shop.address, 'again');
    await until(async () => (await alice.client.service.status()).outbox.failed === 1);
    const [failed] = await alice.client.service.outbox({ limit: 1 });
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'sub-address-unknown' } });
    expect((await bob.cli('address', 'list')).out).toMatch(/shop +revoked/);
    expect((await bob.cli('address', 'revoke', 'shop')).code).toBe(4);
    expect((await bob.cli('address', '--sub', 'shop')).code).toBe(4);
    expect((await bob.cli('address', 'policy', 'shop')).err).toContain('(request-malformed)');
    expect((await bob.cli('address', 'add', '-x')).code).not.toBe(0);
  });

  it('and the plain address follow the settings', async () => {
    const [alice, bob] = [await user(1), await user(2)];
    const change = ['settings', 'set', '--contacts-only', 'on', '--max-mail', '2000'];
    expect(await bob.json(...change)).toMatchObject({ contactsOnly: true, maxMail: 2_000 });
    await published(bob, 2);
    await send(alice, bob.address, 'hello');
    await until(async () => (await alice.client.service.status()).outbox.failed === 1);
    const [failed] = await alice.client.service.outbox({ limit: 1 });
    expect(failed?.error?.code).toBe('contacts-only');
    // An invite is heard all the same.
    const { link } = await bob.json<{ link: string }>('invite', '--name', 'Alice', '--days', '2');
    await alice.json('contacts', 'add', link, '--name', 'Bob');
    await send(alice, 'Bob', 'hello again');
    await until(async () => (await bob.subjects('INBOX')).length === 1);
    const card = join(dir, 'card.png');
    expect((await bob.cli('address', '--png', card)).code).toBe(0);
    expect(await alice.json('contacts', 'add', '--image', card)).toMatchObject({ name: 'Bob' });
    expect((await alice.cli('contacts', 'add')).code).toBe(2);
    const [invite] = await bob.json<dto.ListedInviteDto[]>('invite', 'list');
    expect(invite).toMatchObject({ name: 'Alice', state: 'used', usedBy: alice.address });
    await alice.cli('send', '--to', 'Bob', '--subject', 'long', '--body', 'x'.repeat(3_000));
    await until(async () => (await alice.client.service.status()).outbox.failed === 2);
    const [large] = await alice.client.service.outbox({ limit: 1 });
    expect(large?.error?.code).toBe('message-too-large');
    expect((await bob.cli('invite', 'revoke', invite?.id.slice(0, 8) ?? '')).code).toBe(0);
    expect(await bob.json('invite', 'list')).toMatchObject([{ state: 'revoked' }]);
    expect((await bob.cli('invite', 'revoke', 'ffff')).code).toBe(4);
  });
});

describe('keys', () => {
  it('are verified by number or code; a change ends it and holds mail until accepted', async () => {
    const [alice, bob] = [await user(1), await user(2)];
    await bob.json('contacts', 'add', alice.address, '--name', 'Alice');
    await alice.json('contacts', 'add', bob.address, '--name', 'Bob');
    const shown = await alice.json<dto.ContactDetailDto>('contacts', 'show', 'Bob');
    const wrong = await bob.cli('contacts', 'verify', 'Alice', '--number', '1'.repeat(60));
    expect([wrong.code, wrong.err]).toEqual([5, expect.stringContaining('(safety-number-wrong)')]);
    const number = ['contacts', 'verify', 'Alice', '--number', shown.safetyNumber ?? ''];
    expect(await bob.json(...number)).toHaveProperty('verifiedAtMs');
    const code = ['contacts', 'verify', 'Alice', '--code', shown.safetyCode ?? ''];
    expect(await bob.json(...code)).toHaveProperty('verifiedAtMs');
    const picture = join(dir, 'safety.png');
    expect((await alice.cli('contacts', 'show', 'Bob', '--png', picture)).code).toBe(0);
    const image = ['contacts', 'verify', 'Alice', '--image', picture];
    expect(await bob.json(...image)).toHaveProperty('verifiedAtMs');
    expect((await alice.cli('contacts', 'show', 'Bob', '--png', picture)).code).toBe(2);
    expect((await bob.cli('contacts', 'list')).out).toContain('accepted, verified');
    expect((await bob.cli('contacts', 'edit', 'Alice')).code).toBe(2);
    await otherIdentityKey();
    expect((await send(bob, 'Alice', 'secret')).code).toBe(0);
    await until(async () => {
      const [item] = await bob.client.service.outbox({ limit: 1 });
      return item?.error?.code === 'key-changed';
    });
    const changed = await bob.json<dto.ContactDetailDto>('contacts', 'show', 'Alice');
    expect(changed).toMatchObject({ keyChange: { what: 'identity-key', wasVerified: true } });
    expect((await bob.cli('contacts', 'list')).out).toContain('accepted, KEYS CHANGED');
    expect(changed).not.toHaveProperty('verifiedAtMs');
    expect(changed.keyHistory).toHaveLength(2);
    expect((await bob.cli('contacts', 'show', 'Alice')).out).toContain('WARNING: its identity key');
    const refused = await send(bob, 'Alice', 'more');
    expect([refused.code, refused.err]).toEqual([5, expect.stringContaining('(key-changed)')]);
    expect((await send(bob, 'Alice', 'more', '--accept-key-change')).code).toBe(0);
    const [contact] = await bob.json<ContactDto[]>('contacts', 'list');
    expect(contact).not.toHaveProperty('keyChange');
    await until(async () => (await bob.client.service.status()).outbox.queued === 0);
  });
});

/** Publishes for user 1 what a thief of its account key could: another identity key. */
async function otherIdentityKey(): Promise<void> {
  const thief = await person(1, sealedMemoryStore(), tangle.access);
  const { store, writes, account } = thief;
  const resolver = new DescriptorResolver({ tangle: tangle.access, store, writes });
  const present = await resolver.resolve(account.address);
  if (present === undefined) throw new Error('user 1 has published');
  const { signature: _, ...body } = present;
  const identityKey = nobleSuite.x25519PublicKey(new Uint8Array(32).fill(77));
  const next = { ...body, identityKey, sequence: present.sequence + 1n };
  const data = encodeDescriptor(signDescriptor(next, account.keys.account.secretKey));
  const tag = descriptorTag(account.address);
  const issued = await tangle.access.issuer.issue({ kind: 'tagged-data', tag, data });
  await tangle.access.issuer.awaitConfirmation(issued, {});
}

describe('vCards', () => {
  it('carry contacts from one client to another, and nobody comes verified', async () => {
    const [alice, bob] = [await user(1), await user(2)];
    await bob.json('contacts', 'add', alice.address, '--name', 'Alice', '--note', 'choir; alto');
    await bob.json('contacts', 'add', `${carolAddress()}+work`, '--name', 'Carol');
    const file = join(dir, 'contacts.vcf');
    expect((await bob.cli('contacts', 'export', file)).out).toContain('Wrote 2 contacts');
    expect(await readFile(file, 'utf8')).toContain('NOTE:choir\\; alto');
    expect((await bob.cli('contacts', 'export', file)).err).toContain('is not overwritten');
    expect(await alice.json('contacts', 'import', file)).toEqual({
      added: 1,
      completed: 0,
      unchanged: 0,
      skipped: 1,
    });
    expect(await alice.json('contacts', 'show', 'Carol')).toMatchObject({
      name: 'Carol',
      writeBy: 'work',
      state: 'accepted',
    });
    expect(await bob.json('contacts', 'import', file)).toMatchObject({ unchanged: 2, skipped: 0 });
    const none = join(dir, 'none.vcf');
    await writeFile(none, 'hello');
    expect((await bob.cli('contacts', 'import', none)).err).toContain('(vcard-malformed)');
    expect((await bob.cli('contacts', 'import', join(dir, 'absent'))).code).toBe(2);
  });
});
