/**
 * The web client in a real browser, in front of real daemons: signed in by the link, a mail with a
 * file from page to page through tangle and provider, and each screen held to WCAG 2.2.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
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

/** What the page says the wallet holds. */
async function shownBalance(page: Page): Promise<string> {
  return await page.locator('.wallet .balance-figure').innerText();
}

/** Pays from the faucet, and says how much. */
async function grant(address: string, amount: bigint): Promise<void> {
  const response = await fetch(`${rig?.devnet.apiOf('faucet') ?? ''}/api/faucet/v1/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address, amount: `${amount}` }),
  });
  expect(response.status).toBe(202);
}

describe('wallet', () => {
  inBrowser('figures equal the ledger: faucet, daemon and page say the same', async () => {
    if (rig === undefined) throw new Error('the network did not start');
    const { alice, bob } = rig.stage;
    const { page, faults } = await signIn('alice');
    await page.evaluate("location.hash = '#/wallet'");
    const before = await alice.wallet();
    const shows = async (what: string, amount: bigint): Promise<void> => {
      await until(what, SEEN_MS, async () =>
        (await shownBalance(page)) === formatAmount(amount) ? true : undefined,
      );
      expect((await alice.wallet()).balance).toBe(`${amount}`);
    };
    await shows('the balance before', BigInt(before.balance));
    await page.locator('.balance-age', { hasText: /as of milestone \d+, / }).waitFor();

    const granted = 3_456_789n;
    expect(await page.locator('.receive .mono').innerText()).toBe(before.address);
    await grant(before.address, granted);
    const richer = BigInt(before.balance) + granted;
    await shows('the payment of the faucet', richer);
    await page.getByText('+3.456789 T').waitFor();

    const { address: payee, balance: bobBefore } = await bob.wallet();
    await page.getByRole('textbox', { name: 'To (wallet address)' }).fill(payee);
    await page.getByRole('textbox', { name: 'Amount' }).fill(`${richer + 1n}`);
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByText('The wallet does not hold that much.').waitFor();
    await page.getByRole('textbox', { name: 'Amount' }).fill('1.5 T');
    await page.getByRole('button', { name: 'Review' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByText(formatAmount(richer - 1_500_000n), { exact: true }).waitFor();
    expect(await accessFaults(page)).toEqual([]);
    await sheet.getByRole('button', { name: 'Send now' }).click();
    await shows('the rest', richer - 1_500_000n);
    await until('bob has it', SEEN_MS, async () =>
      BigInt((await bob.wallet()).balance) === BigInt(bobBefore) + 1_500_000n ? true : undefined,
    );
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

const WINDOWS = [
  { width: 1_440, height: 900 },
  { width: 390, height: 844 },
];
const LANGUAGES = ['en', 'it', 'de'];

/** Goes to a place and waits for what only it has. */
function place(hash: string, mark: string): (page: Page) => Promise<void> {
  return async (page) => {
    await page.evaluate(`location.hash = '${hash}'`);
    await page.locator(mark).first().waitFor();
  };
}

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
  ['wallet', place('#/wallet', '.wallet-line')],
  ['plans', place('#/wallet/plans', '.plan details')],
  ['settings', place('#/settings', '.settings .inline-form')],
  ['privacy', place('#/settings/privacy', '.settings .form-switch')],
  ['mail programs', place('#/settings/programs', '.settings .fact')],
  ['devices', place('#/settings/devices', '.settings .thing')],
  ['backup', place('#/settings/backup', '.settings .fact')],
  ['hooks', place('#/settings/hooks', '.settings .empty')],
  ['about', place('#/settings/about', '.settings .fact')],
];

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
