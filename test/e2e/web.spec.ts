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

/** Runs a case where there is a browser; openBrowser has failed CI where there is none. */
function inBrowser(name: string, run: () => Promise<void>): void {
  it(name, async () => await (browser === undefined ? undefined : run()), TEST_MS);
}

describe('signing in', () => {
  inBrowser('is by the link, once for the browser, and the token leaves the address', async () => {
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
  });

  inBrowser('is needed: another browser is told how', async () => {
    if (browser === undefined) throw new Error('no browser');
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
  });
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
  inBrowser('goes from page to page with its file, and is answered', async () => {
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
  });

  inBrowser('is taken back while it still can be, and is a draft again', async () => {
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
  });
});

/** The text of a conversation, of whoever has written it. */
function saidIn(page: Page, text: string): ReturnType<Page['locator']> {
  return page.getByRole('log').getByText(text, { exact: true });
}

describe('chat', () => {
  inBrowser('goes there and back between alice and bob', async () => {
    const alice = await signIn('alice');
    const bob = await signIn('bob');
    await alice.page.getByRole('link', { name: 'Chat' }).click();
    await alice.page.getByRole('button', { name: 'New chat' }).click();
    await alice.page.getByRole('option', { name: /^Bob/ }).click();
    const line = alice.page.getByRole('textbox', { name: 'Write to Bob' });
    await line.fill('x'.repeat(16_001));
    await alice.page.getByText('16,001 bytes').waitFor();
    await line.fill('Tea at <b>four</b>?');
    await line.press('Shift+Enter');
    await line.pressSequentially('https://example.org/tea.');
    await line.press('Enter');
    await alice.page.getByRole('log').getByText('Tea at <b>four</b>?').waitFor();
    expect(alice.page.url()).toMatch(/#\/chat\/[0-9a-f]{48}$/);
    expect(await line.inputValue()).toBe('');
    await line.fill('begun, not sent');

    await bob.page.getByRole('link', { name: 'Chat' }).click();
    await bob.page.getByRole('option', { name: /1 unread.*Tea at/s }).click();
    const link = bob.page.getByRole('log').getByRole('link');
    expect(await link.getAttribute('href')).toBe('https://example.org/tea');
    expect(await link.getAttribute('rel')).toBe('noreferrer noopener');
    const answer = bob.page.getByRole('textbox', { name: 'Write to Alice' });
    await answer.fill('Yes 🫖');
    await answer.press('Enter');
    await saidIn(alice.page, 'Yes 🫖').waitFor();
    await saidIn(bob.page, 'Yes 🫖').waitFor();
    // Seen by both, so nothing is unread.
    await alice.page.getByRole('link', { name: 'Mail' }).click();
    await alice.page.getByRole('link', { name: 'Chat' }).click();
    await alice.page.getByRole('option', { name: /^Bob/ }).click();
    expect(await line.inputValue()).toBe('begun, not sent');
    await line.fill('');

    const lines = alice.page.getByRole('log').getByRole('article');
    await lines.last().focus();
    await alice.page.keyboard.press('ArrowUp');
    await alice.page.locator('article:focus').getByText('Tea at').waitFor();
    await alice.page.keyboard.press('End');
    await alice.page.locator('article:focus').getByText('Yes 🫖').waitFor();
    const menu = alice.page.getByRole('button', { name: 'What to do with this line' });
    await menu.click();
    await alice.page.getByRole('menuitem', { name: 'Delete here' }).click();
    await alice.page.getByRole('button', { name: 'Delete here' }).click();
    await saidIn(alice.page, 'Yes 🫖').waitFor({ state: 'detached' });
    await saidIn(bob.page, 'Yes 🫖').waitFor();
    expect([...alice.faults, ...bob.faults]).toEqual([]);
    await alice.page.context().close();
    await bob.page.context().close();
  });

  inBrowser('has groups, whose members change and read each other', async () => {
    const alice = await signIn('alice');
    const bob = await signIn('bob');
    await alice.page.getByRole('link', { name: 'Chat' }).click();
    await alice.page.getByRole('button', { name: 'New group' }).click();
    await alice.page.getByRole('textbox', { name: 'Name of the group' }).fill('Readers');
    await alice.page.getByRole('option', { name: /^Bob/ }).click();
    await alice.page.getByRole('button', { name: 'Make the group' }).click();
    await saidIn(alice.page, 'You added Bob').waitFor();
    await alice.page.getByRole('textbox', { name: 'Write to Readers' }).fill('Which book?');
    await alice.page.getByRole('button', { name: 'Send', exact: true }).click();
    await saidIn(alice.page, 'Which book?').waitFor();

    await bob.page.getByRole('link', { name: 'Chat' }).click();
    await bob.page.getByRole('option', { name: /Readers.*Which book/s }).click();
    await saidIn(bob.page, 'Alice added you').waitFor();
    await alice.page.getByRole('button', { name: 'About the group' }).click();
    await alice.page.getByRole('button', { name: 'Change Bob' }).click();
    await alice.page.getByRole('menuitem', { name: 'Make admin' }).click();
    await alice.page.getByRole('dialog').getByText('Admin').waitFor();
    await alice.page.keyboard.press('Escape');
    await saidIn(bob.page, 'Alice made you an admin').waitFor();
    await bob.page.getByRole('button', { name: 'About the group' }).click();
    await bob.page.getByRole('button', { name: 'Leave the group' }).click();
    await bob.page
      .getByRole('alertdialog')
      .getByRole('button', { name: 'Leave the group' })
      .click();
    await bob.page.getByText('You are not in this group any more').waitFor();
    await saidIn(alice.page, 'Bob left').waitFor();
    expect([...alice.faults, ...bob.faults]).toEqual([]);
    await alice.page.context().close();
    await bob.page.context().close();
  });
});

const WINDOWS = [
  { width: 1_440, height: 900 },
  { width: 390, height: 844 },
];
const LANGUAGES = ['en', 'it', 'de'];

/** The screens, by what is done to come there. */
type Scene = readonly [string, (page: Page) => Promise<void>];
const SCENES: readonly Scene[] = [
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
  ['conversations', async (page) => await openChat(page)],
  [
    'no such conversation',
    async (page) => {
      await openChat(page);
      await page.locator('.chat-search input').fill('nobody is called so');
      await page.locator('.chat-list .empty').waitFor();
    },
  ],
  ...['.mail-row:not(:has(svg))', '.mail-row:has(svg)'].map((kind): Scene => [
    `conversation ${kind}`,
    async (page) => {
      await openChat(page);
      await page.locator(`.chat-list ${kind}`).first().click();
      await page.locator('.line').first().waitFor();
    },
  ]),
  [
    'group',
    async (page) => {
      await openChat(page);
      await page.locator('.chat-list .mail-row:has(svg)').first().click();
      await page.locator('.conversation-head .icon-button').click();
      await page.locator('.people li').first().waitFor();
    },
  ],
  [
    'new group',
    async (page) => {
      await openChat(page);
      await page.locator('.chat-list-new .button').last().click();
      await page.locator('.contact-pick [role=option]').first().waitFor();
    },
  ],
];

async function openChat(page: Page): Promise<void> {
  await page.evaluate("location.hash = '#/chat'");
  await page.locator('.chat-list .mail-row').first().waitFor();
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
