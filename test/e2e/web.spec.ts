/**
 * The web client in a real browser, in front of real daemons: signed in by the link; mail,
 * contacts, chat and wallet from page to page through tangle and provider. How each screen looks:
 * web-screens.spec.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { accessFaults } from './testing/browser.ts';
import { SEEN_MS, WebDesk } from './testing/web-desk.ts';

const SETUP_TIMEOUT_MS = 180_000;
const TEST_MS = 400_000;

let desk: WebDesk | undefined;

beforeAll(async () => {
  desk = await WebDesk.open();
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await desk?.close();
}, SETUP_TIMEOUT_MS);

/** Waits until a part of the page says just this. */
async function says(what: string, text: string, ask: () => Promise<string>): Promise<void> {
  await until(what, SEEN_MS, async () => {
    const seen = await ask();
    return seen === text ? seen : new NotYet(seen);
  });
}

describe('signing in', () => {
  it(
    'is by the link, once for the browser, and the token leaves the address',
    async () => {
      if (desk === undefined) return;
      const { page, faults } = await desk.signIn('alice');
      expect(page.url()).not.toContain('token');
      const other = await page.context().newPage();
      await other.goto(desk.apiOf('alice'));
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
      if (desk === undefined) return;
      const api = desk.apiOf('alice');
      const { context, faults } = await desk.window(api);
      const page = await context.newPage();
      await page.goto(api);
      await page.getByText('tanglemail web').waitFor();
      expect(await accessFaults(page)).toEqual([]);
      await page.goto(`${api}/#token=${'x'.repeat(43)}`);
      await page.getByText('tanglemail web').waitFor();
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
      if (desk === undefined) return;
      const alice = await desk.signIn('alice');
      const bob = await desk.signIn('bob');
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
      if (desk === undefined) return;
      const { page, faults } = await desk.signIn('alice');
      await write(page, 'Regretted', 'Not like this');
      await page.getByRole('button', { name: 'Undo' }).click();
      const subject = page.getByRole('textbox', { name: 'Subject' });
      await says('the draft is back', 'Regretted', async () => await subject.inputValue());
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
      if (desk === undefined) return;
      const alice = await desk.signIn('alice');
      const bob = await desk.signIn('bob');
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
      if (desk === undefined) return;
      const { page, faults } = await desk.signIn('alice');
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

/** The text of a conversation, of whoever has written it. */
function saidIn(page: Page, text: string): Locator {
  return page.getByRole('log').getByText(text, { exact: true });
}

describe('chat', () => {
  it(
    'goes there and back between alice and bob',
    async () => {
      if (desk === undefined) return;
      const alice = await desk.signIn('alice');
      const bob = await desk.signIn('bob');
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
    },
    TEST_MS,
  );

  it(
    'has groups, whose members change and read each other',
    async () => {
      if (desk === undefined) return;
      const alice = await desk.signIn('alice');
      const bob = await desk.signIn('bob');
      await alice.page.getByRole('link', { name: 'Chat' }).click();
      await alice.page.getByRole('button', { name: 'New group' }).click();
      await alice.page.getByRole('textbox', { name: 'Name of the group' }).fill('Readers');
      const founding = alice.page.getByRole('dialog');
      await founding.getByRole('option', { name: /^Bob/ }).click();
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
    },
    TEST_MS,
  );
});

/** What the page says the wallet holds. */
async function shownBalance(page: Page): Promise<string> {
  return await page.locator('.wallet .balance-figure').innerText();
}

describe('wallet', () => {
  it(
    'figures equal the ledger: faucet, daemon and page say the same',
    async () => {
      if (desk === undefined) return;
      const { alice, bob } = desk.stage;
      const { page, faults } = await desk.signIn('alice');
      await page.evaluate("location.hash = '#/wallet'");
      const before = await alice.wallet();
      const shows = async (what: string, amount: bigint): Promise<void> => {
        await says(what, formatAmount(amount), async () => await shownBalance(page));
        expect((await alice.wallet()).balance).toBe(`${amount}`);
      };
      await shows('the balance before', BigInt(before.balance));
      await page.locator('.balance-age', { hasText: /as of milestone \d+, / }).waitFor();

      const granted = 3_456_789n;
      expect(await page.locator('.receive .mono').innerText()).toBe(before.address);
      await desk.grant(before.address, granted);
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
      const paid = `${BigInt(bobBefore) + 1_500_000n}`;
      await says('bob has it', paid, async () => (await bob.wallet()).balance);
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});
