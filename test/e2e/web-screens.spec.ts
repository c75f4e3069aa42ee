/**
 * Each screen of a client and of a node in a real browser: held to WCAG 2.2 and to the width of its
 * window, in both themes, both sizes and all languages; and what the pages of a node say of blocks
 * and let an operator do. What the pages of a client do: web.spec.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from 'playwright-core';
import { NotYet, until } from '../../tools/devnet/poll.ts';
import { accessFaults, contrastFaults, overflow } from './testing/browser.ts';
import { SEEN_MS, WebDesk } from './testing/web-desk.ts';
import { CLIENT_SCENES, nodeScenes, type Scene } from './testing/web-scenes.ts';

const SETUP_TIMEOUT_MS = 240_000;
const TEST_MS = 400_000;
/** No screen waits for the network. */
const SCENE_MS = 60_000;
const SUBJECT = 'Seen on every screen';

let desk: WebDesk | undefined;

beforeAll(async () => {
  desk = await WebDesk.open();
  if (desk !== undefined) await furnish(desk);
}, SETUP_TIMEOUT_MS);

afterAll(async () => {
  await desk?.close();
}, SETUP_TIMEOUT_MS);

/** Gives alice a mail, a conversation and a group, so that no screen is bare. */
async function furnish(at: WebDesk): Promise<void> {
  const { alice, bob, devnet } = at.stage;
  const { address: aliceAddress } = devnet.network.clients.alice;
  const { address: bobAddress } = devnet.network.clients.bob;
  await alice.send({ to: [bobAddress], subject: SUBJECT, text: 'Is it legible?' });
  await until('bob has the mail', SEEN_MS, async () => {
    const inbox = await bob.messages('INBOX');
    return inbox.some(({ subject }) => subject === SUBJECT) ? true : new NotYet('no mail');
  });
  await bob.send({ to: [aliceAddress], subject: `Re: ${SUBJECT}`, text: 'It is.' });
  await until('alice has the answer', SEEN_MS, async () => {
    const inbox = await alice.messages('INBOX');
    return inbox.length > 0 ? true : new NotYet('no answer');
  });
  // Only who has written has shown that they can chat, and the keys that a group needs.
  await at.post('alice', 'chat/messages', { to: bobAddress, text: 'https://example.org/tea' });
  await at.post('alice', 'chat/groups', { name: 'Readers', members: [bobAddress] });
}

async function search(page: Page, text: string): Promise<void> {
  const box = page.getByRole('searchbox', { name: /^Search block/ });
  await box.fill(text);
  await box.press('Enter');
}

describe('a node', () => {
  it(
    'finds the block of that very mail, and its inclusion is checked in the browser',
    async () => {
      if (desk === undefined) return;
      const { page, faults } = await desk.openNode();
      const blockId = await desk.blockOf(SUBJECT);
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
      if (desk === undefined) return;
      const { page } = await desk.openNode();
      const blockId = await desk.blockOf(SUBJECT);
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
      if (desk === undefined) return;
      const { page, faults } = await desk.openNode();
      await page.getByRole('button', { name: 'Sign in as operator' }).click();
      const field = page.getByLabel('Control token');
      await field.fill('0'.repeat(64));
      await field.press('Enter');
      await page.getByText('This is not the token of this run').waitFor();
      await field.fill(await desk.controlToken());
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
const CASES = WINDOWS.flatMap((viewport) =>
  LANGUAGES.map((language) => ({ viewport, language, name: `${viewport.width} ${language}` })),
);
type Case = (typeof CASES)[number];

/**
 * Walks one page through the scenes, and says what is wrong on each. All have to fit their window;
 * labels differ by language, colours only by theme, so each is looked at once per what it hangs on.
 */
async function walk(
  page: Page,
  { viewport, language }: Case,
  scenes: readonly Scene[],
): Promise<string[]> {
  const isFirst = language === LANGUAGES[0];
  page.setDefaultTimeout(SCENE_MS);
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.evaluate(`localStorage.setItem('tanglemail.language', '${language}')`);
  await page.reload();
  const found: string[] = [];
  for (const { name, go, stays = false } of scenes) {
    const missing = await go(page).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (missing !== undefined) {
      found.push(`${name} does not come: ${missing}`);
      await page.reload();
      continue;
    }
    const wider = await overflow(page);
    if (wider > 0) found.push(`${name}: ${wider} px too wide`);
    if (isFirst || viewport === WINDOWS[0])
      found.push(...(await accessFaults(page)).map((one) => `${name}: ${one}`));
    if (isFirst) {
      await page.emulateMedia({ colorScheme: 'dark' });
      found.push(...(await contrastFaults(page)).map((one) => `${name}, dark: ${one}`));
      await page.emulateMedia({ colorScheme: 'light' });
    }
    if (stays) await page.reload();
  }
  return found;
}

describe('every screen', () => {
  it.each(CASES)(
    'is accessible and no wider than its window: $name',
    async (one) => {
      if (desk === undefined) return;
      const { page, faults } = await desk.signIn('alice');
      expect(await walk(page, one, CLIENT_SCENES)).toEqual([]);
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );

  it.each(CASES)(
    'of a node is, too: $name',
    async (one) => {
      if (desk === undefined) return;
      const { page, faults } = await desk.openNode();
      expect(await walk(page, one, nodeScenes(await desk.blockOf(SUBJECT)))).toEqual([]);
      expect(faults).toEqual([]);
      await page.context().close();
    },
    TEST_MS,
  );
});
