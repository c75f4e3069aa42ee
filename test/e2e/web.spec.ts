/**
 * The web client in a real browser, in front of real daemons: signed in by the link, a mail with a
 * file from page to page through tangle and provider, and each screen held to WCAG 2.2.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { accessFaults, openBrowser, openContext, overflow } from './testing/browser.ts';
import { Rig } from './testing/rig.ts';

const SETUP_TIMEOUT_MS = 180_000;
const TEST_MS = 180_000;
/** Anything on a page; a mail takes proof of work, a milestone and a provider. */
const SEEN_MS = 90_000;

let rig: Rig | undefined;
let browser: Browser | undefined;

beforeAll(async () => {
  browser = await openBrowser();
  if (browser === undefined) return;
  rig = await Rig.open();
  await rig.befriend();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await browser?.close();
  await rig?.close();
}, SETUP_TIMEOUT_MS);

type Role = 'alice' | 'bob';

function placeOf(role: Role): { api: string; link: string } {
  const client = rig?.devnet.network.clients[role];
  if (client === undefined) throw new Error('the network did not start');
  return { api: client.api, link: `${client.api}/#token=${client.token ?? ''}` };
}

interface SignedIn {
  readonly page: Page;
  readonly faults: string[];
}

async function signIn(role: Role): Promise<SignedIn> {
  if (browser === undefined) throw new Error('no browser');
  const { api, link } = placeOf(role);
  const { context, faults } = await openContext(browser, api);
  context.setDefaultTimeout(SEEN_MS);
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('heading', { name: 'Inbox' }).waitFor();
  return { page, faults };
}

describe('signing in', () => {
  it(
    'is by the link, once for the browser, and the token leaves the address',
    async () => {
      if (browser === undefined) return;
      const { page, faults } = await signIn('alice');
      expect(page.url()).not.toContain('token');
      const other = await page.context().newPage();
      await other.goto(placeOf('alice').api);
      await other.getByRole('heading', { name: 'Inbox' }).waitFor();
      const cookies = await page.context().cookies();
      expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
        { httpOnly: true, sameSite: 'Strict' },
      ]);
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    'is needed: another browser is told how',
    async () => {
      if (browser === undefined) return;
      const { api } = placeOf('alice');
      const { context, faults } = await openContext(browser, api);
      const page = await context.newPage();
      await page.goto(api);
      await page.getByText('tanglemail web').waitFor({ timeout: SEEN_MS });
      expect(await accessFaults(page)).toEqual([]);
      await page.goto(`${api}/#token=${'x'.repeat(43)}`);
      await page.getByText('tanglemail web').waitFor({ timeout: SEEN_MS });
      expect(faults).toEqual([]);
      await context.close();
    },
    TEST_MS,
  );
});

/** Fills a new mail to Bob and sends it. */
async function write(page: Page, subject: string, text: string, file?: Buffer): Promise<void> {
  await page.getByRole('button', { name: 'New message' }).click();
  await page.getByRole('combobox', { name: 'To' }).fill('Bo');
  await page.getByRole('option', { name: 'Bob' }).last().click();
  await page.getByRole('textbox', { name: 'Subject' }).fill(subject);
  await page.getByRole('textbox', { name: 'Text' }).fill(text);
  if (file !== undefined) {
    const input = { name: 'sketch.bin', mimeType: 'application/octet-stream', buffer: file };
    await page.locator('input[type=file]').setInputFiles(input);
    await page.getByText('sketch.bin').waitFor();
  }
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

describe('mail', () => {
  it(
    'goes from page to page with its file, and is answered',
    async () => {
      if (browser === undefined) return;
      const alice = await signIn('alice');
      const bob = await signIn('bob');
      const file = randomBytes(20_000);
      await write(alice.page, 'From a page', 'Hello Bob,\n<b>no markup</b>', file);
      await alice.page.getByText('It leaves in a moment').waitFor();

      await bob.page.getByRole('option', { name: /From a page/ }).click();
      await bob.page.getByText('<b>no markup</b>').waitFor();
      await bob.page.getByRole('article').getByText('Verified').waitFor();
      const download = bob.page.waitForEvent('download');
      await bob.page.getByRole('button', { name: 'Save sketch.bin' }).click();
      const saved = await readFile(await (await download).path());
      expect(saved.equals(file)).toBe(true);

      await bob.page.getByRole('button', { name: 'Reply', exact: true }).click();
      const text = bob.page.getByRole('textbox', { name: 'Text' });
      expect(await text.inputValue()).toContain('> Hello Bob,');
      await text.press('Control+Home');
      await text.pressSequentially('Got it.');
      await text.press('Control+Enter');
      await alice.page.getByRole('option', { name: /Re: From a page/ }).click();
      await alice.page.getByText('Got it.').waitFor();
      expect([...alice.faults, ...bob.faults]).toEqual([]);
      await alice.page.context().close();
      await bob.page.context().close();
    },
    TEST_MS,
  );

  it(
    'is taken back while it still can be, and is a draft again',
    async () => {
      if (browser === undefined) return;
      const { page, faults } = await signIn('alice');
      await write(page, 'Regretted', 'Not like this');
      await page.getByRole('button', { name: 'Undo' }).click();
      const subject = page.getByRole('textbox', { name: 'Subject' });
      await until('the draft is back', SEEN_MS, async () =>
        (await subject.inputValue()) === 'Regretted' ? true : undefined,
      );
      await page.getByRole('button', { name: 'Discard the draft' }).click();
      await page.getByText('The draft is gone').waitFor();
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});

/** The page of a contact, in English. */
async function showContact(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: 'Contacts' }).first().click();
  await page.getByRole('option', { name }).click();
  await page.getByRole('heading', { name: 'Safety number' }).waitFor();
}

describe('contacts', () => {
  it(
    'are verified by what the other side sees, as digits and as a picture',
    async () => {
      if (browser === undefined) return;
      const alice = await signIn('alice');
      const bob = await signIn('bob');
      await showContact(alice.page, 'Bob');
      await showContact(bob.page, 'Alice');
      const number = (await bob.page.locator('.safety-number li').allInnerTexts()).join(' ');
      expect(number).toMatch(/^(?:\d{5} ){11}\d{5}$/);
      const code = await bob.page.locator('.safety .qr-code').screenshot();

      await alice.page.getByRole('button', { name: 'Compare and verify' }).click();
      const theirs = alice.page.getByRole('textbox', { name: /paste the number/ });
      const last = number.endsWith('1') ? '2' : '1';
      await theirs.fill(`${number.slice(0, -1)}${last}`);
      await alice.page.getByRole('button', { name: 'Compare', exact: true }).click();
      await alice.page.getByText('not the safety number of the two of you').waitFor();
      await theirs.fill(number);
      await alice.page.getByRole('button', { name: 'Compare', exact: true }).click();
      await alice.page.getByRole('article').getByText('Verified', { exact: true }).waitFor();

      await alice.page.getByRole('button', { name: 'Compare again' }).click();
      await alice.page.getByRole('button', { name: 'Scan their QR code' }).click();
      await alice.page.getByText('There is no camera here').waitFor();
      const picture = { name: 'code.png', mimeType: 'image/png', buffer: code };
      const chooser = alice.page.waitForEvent('filechooser');
      await alice.page.getByRole('button', { name: 'Choose a picture' }).click();
      await (await chooser).setFiles(picture);
      // Only a number that is right closes it.
      await alice.page.getByRole('dialog').waitFor({ state: 'detached' });
      expect([...alice.faults, ...bob.faults]).toEqual([]);
      await alice.page.context().close();
      await bob.page.context().close();
    },
    TEST_MS,
  );

  it(
    'get an invite for one person, which can be taken back',
    async () => {
      if (browser === undefined) return;
      const { page, faults } = await signIn('alice');
      await page.evaluate("location.hash = '#/contacts/own'");
      await page.getByRole('textbox', { name: 'For whom' }).fill('Carol');
      await page.getByRole('button', { name: 'Create an invite' }).click();
      const line = page.locator('.own-line', { hasText: 'Carol' });
      await line.getByRole('img', { name: 'QR code of the invite' }).waitFor();
      await line.getByRole('button', { name: 'Revoke' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
      await line.getByText('Revoked').waitFor();
      expect(await line.getByRole('button').count()).toBe(0);
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});

/** The page of the first node, which nobody signs in to. */
async function openNode(): Promise<SignedIn> {
  if (browser === undefined) throw new Error('no browser');
  const api = rig?.devnet.network.nodes[0]?.api ?? '';
  const { context, faults } = await openContext(browser, api);
  context.setDefaultTimeout(SEEN_MS);
  const page = await context.newPage();
  await page.goto(api);
  await page.getByRole('heading', { name: 'Latest blocks' }).waitFor();
  return { page, faults };
}

async function search(page: Page, text: string): Promise<void> {
  const box = page.getByRole('searchbox');
  await box.fill(text);
  await box.press('Enter');
}

/** The block of the mail that alice wrote, once a milestone has it. */
async function blockOf(subject: string): Promise<string> {
  const { api } = placeOf('alice');
  const token = rig?.devnet.network.clients.alice.token ?? '';
  return await until<string>('the mail is confirmed', SEEN_MS, async () => {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`${api}/api/client/v1/outbox`, { headers });
    const items = (await response.json()) as {
      subject: string;
      blockId?: string;
      milestoneIndex?: number;
    }[];
    const found = items.find((one) => one.subject === subject && one.milestoneIndex !== undefined);
    return found?.blockId ?? new NotYet(`${items.length} mails`);
  });
}

/** What the operator of the first node types in. */
async function controlToken(): Promise<string> {
  const folder = rig?.devnet.layout.folder('node-1') ?? '';
  const text = await readFile(join(folder, 'control.json'), 'utf8');
  return (JSON.parse(text) as { token: string }).token;
}

describe('a node', () => {
  it(
    'finds the block of that very mail, and its inclusion is checked in the browser',
    async () => {
      if (browser === undefined) return;
      const { page, faults } = await openNode();
      const blockId = await blockOf('From a page');
      await search(page, blockId);
      await page.getByText('Checked in this browser').waitFor();
      await page.getByText('the inclusion path leads to its root').waitFor();
      await page.getByRole('heading', { name: 'Payload: Envelope' }).waitFor();
      expect(page.url()).toContain(`#/node/block/${blockId}`);

      await page
        .getByRole('article')
        .getByRole('link', { name: /^[0-9]+$/ })
        .first()
        .click();
      await page.getByText('A quorum of the committee signed milestone').waitFor();
      await search(page, '[.*(');
      await page.getByText('The node has nothing under').waitFor();
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    'is found out when what it says is not what was certified',
    async () => {
      if (browser === undefined) return;
      const { page } = await openNode();
      const blockId = await blockOf('From a page');
      await page.route('**/proof', async (route) => {
        const answer = await route.fetch();
        const proof = (await answer.json()) as { block: string };
        const last = proof.block.endsWith('0') ? '1' : '0';
        await route.fulfill({ json: { ...proof, block: `${proof.block.slice(0, -1)}${last}` } });
      });
      await search(page, blockId);
      await page.getByText('The check has failed').waitFor();
      expect(await page.getByText('Checked in this browser').count()).toBe(0);
      await page.context().close();
    },
    TEST_MS,
  );

  it(
    'is steered with its token alone, which the page does not keep',
    async () => {
      if (browser === undefined) return;
      const { page, faults } = await openNode();
      await page.getByRole('button', { name: 'Sign in as operator' }).click();
      const field = page.getByLabel('Control token');
      await field.fill('0'.repeat(64));
      await field.press('Enter');
      await page.getByText('This is not the token of this run').waitFor();
      await field.fill(await controlToken());
      await field.press('Enter');
      await page.getByText('Free on the disk').waitFor();
      await page.getByRole('link', { name: 'Peers', exact: true }).click();
      await page
        .getByRole('row', { name: /In sync/ })
        .first()
        .waitFor();
      await page.getByRole('textbox', { name: 'Address of a peer' }).fill('nonsense');
      await page.getByRole('button', { name: 'Add' }).click();
      await page.getByText(/The node cannot do this/).waitFor();
      await page.reload();
      await page.getByRole('button', { name: 'Sign in as operator' }).waitFor();
      expect(await page.evaluate<string>('JSON.stringify(localStorage)')).not.toContain('token');
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});

const WINDOWS = [
  { width: 1_440, height: 900 },
  { width: 390, height: 844 },
];
const LANGUAGES = ['en', 'it', 'de'];

/** The screens, by what is done to come there. */
const SCENES: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
  ['inbox', async (page) => await page.locator('.mail-row').first().waitFor()],
  [
    'reader',
    async (page) => {
      await page.locator('.mail-row').first().click();
      await page.locator('.reader-subject').waitFor();
    },
  ],
  [
    'empty folder',
    async (page) => {
      await page.evaluate("location.hash = '#/mail/Junk'");
      await page.locator('.mail-list .empty').waitFor();
    },
  ],
  ['contacts', async (page) => await openContacts(page, 'all', '.contact-row')],
  ['no requests', async (page) => await openContacts(page, 'requests', '.contact-list .empty')],
  ['own card', async (page) => await openContacts(page, 'own', '.own-card .qr-code')],
  [
    'adding a contact',
    async (page) => {
      await openContacts(page, 'all', '.contact-row');
      await page.locator('.contact-list-head button').click();
      await page.locator('.contacts-modal textarea').waitFor();
    },
  ],
  [
    'contact',
    async (page) => {
      await openContacts(page, 'all', '.contact-row');
      await page.locator('.contact-row').first().click();
      await page.locator('.safety .qr-code').waitFor();
    },
  ],
  [
    'comparing',
    async (page) => {
      await openContacts(page, 'all', '.contact-row');
      await page.locator('.contact-row').first().click();
      await page.locator('.safety ~ .button').click();
      await page.locator('.contacts-modal .safety-number').waitFor();
    },
  ],
];

async function openContacts(page: Page, list: string, seen: string): Promise<void> {
  await page.evaluate(`location.hash = '#/contacts/${list}'`);
  await page.locator(seen).first().waitFor();
}

describe('every screen', () => {
  const cases = WINDOWS.flatMap((viewport) =>
    LANGUAGES.map((language) => ({ viewport, language, name: `${viewport.width} ${language}` })),
  );
  it.each(cases)(
    'is accessible and no wider than its window: $name',
    async ({ viewport, language }) => {
      if (browser === undefined) return;
      const { page } = await signIn('alice');
      await page.setViewportSize(viewport);
      const found: string[] = [];
      for (const [scene, go] of SCENES) {
        await page.evaluate(`localStorage.setItem('tanglemail.language', '${language}')`);
        await page.evaluate("location.hash = '#/mail/INBOX'");
        await page.reload();
        await go(page);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          found.push(...(await accessFaults(page)).map((one) => `${scene} ${colorScheme}: ${one}`));
        }
        expect({ scene, overflow: await overflow(page) }).toEqual({ scene, overflow: 0 });
      }
      expect(found).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});

/** The screens of a node, by what is done to come there. */
const NODE_SCENES: readonly (readonly [string, (page: Page) => Promise<void>])[] = [
  [
    'overview',
    async (page) => {
      await page.evaluate("location.hash = '#/node'");
      await page.locator('.node-figure').first().waitFor();
    },
  ],
  [
    'peers',
    async (page) => {
      await page.evaluate("location.hash = '#/node/peers'");
      await page.locator('tbody tr').first().waitFor();
    },
  ],
  [
    'block',
    async (page) => {
      await page.evaluate(`location.hash = '#/node/block/${await blockOf('From a page')}'`);
      await page.locator('.node-check .chip-ok').waitFor();
    },
  ],
  [
    'milestone',
    async (page) => {
      await page.evaluate("location.hash = '#/node/milestone/1'");
      await page.locator('.node-check .chip-ok').waitFor();
    },
  ],
  [
    'nothing found',
    async (page) => {
      await page.evaluate("location.hash = '#/node/search/there-is-no-such-tag'");
      await page.locator('.empty').waitFor();
    },
  ],
];

describe('every screen of a node', () => {
  const cases = WINDOWS.flatMap((viewport) =>
    LANGUAGES.map((language) => ({ viewport, language, name: `${viewport.width} ${language}` })),
  );
  it.each(cases)(
    'is accessible and no wider than its window: $name',
    async ({ viewport, language }) => {
      if (browser === undefined) return;
      const { page, faults } = await openNode();
      await page.setViewportSize(viewport);
      await page.evaluate(`localStorage.setItem('tanglemail.language', '${language}')`);
      await page.reload();
      const found: string[] = [];
      for (const [scene, go] of NODE_SCENES) {
        await go(page);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          found.push(...(await accessFaults(page)).map((one) => `${scene} ${colorScheme}: ${one}`));
        }
        expect({ scene, overflow: await overflow(page) }).toEqual({ scene, overflow: 0 });
      }
      expect(found).toEqual([]);
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});
