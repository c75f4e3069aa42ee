/**
 * The web client in a real browser, in front of real daemons: signed in by the link, a mail with a
 * file from page to page through tangle and provider, and each screen held to WCAG 2.2.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { until } from '../../tools/devnet/poll.ts';
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
  inBrowser('are verified by what the other side sees, as digits and as a picture', async () => {
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
  });

  inBrowser('get an invite for one person, which can be taken back', async () => {
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
  });
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
