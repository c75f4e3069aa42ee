/**
 * The screens of a client and of a node, each by what is done to come there from any other one; in
 * no language's words. Before: web-desk.ts; after: web-screens.spec.ts.
 */
import type { Page } from 'playwright-core';

export interface Scene {
  readonly name: string;
  readonly go: (page: Page) => Promise<void>;
  /** Leaves something open that only a new load of the page surely closes. */
  readonly stays?: boolean;
}

/** Goes to a place and waits for what only it has. */
async function visit(page: Page, hash: string, mark: string): Promise<void> {
  await page.evaluate(`location.hash = '#/${hash}'`);
  await page.locator(mark).first().waitFor();
}

function place(name: string, hash: string, mark: string): Scene {
  return { name, go: async (page) => await visit(page, hash, mark) };
}

/** A place, then a click, then what the click brings. */
function step(
  name: string,
  [hash, mark]: readonly [string, string],
  click: string,
  brings: string,
): Scene {
  const go = async (page: Page): Promise<void> => {
    await visit(page, hash, mark);
    await page.locator(click).last().click();
    await page.locator(brings).first().waitFor();
  };
  return { name, go, stays: true };
}

const MAIL = ['mail/INBOX', '.mail-list .mail-row'] as const;
const PEOPLE = ['contacts/all', '.contact-row'] as const;
const CHAT = ['chat', '.chat-list .mail-row'] as const;

export const CLIENT_SCENES: readonly Scene[] = [
  place('inbox', ...MAIL),
  step('reader', MAIL, '.mail-list .mail-row', '.reader-subject'),
  place('empty folder', 'mail/Junk', '.mail-list .empty'),
  place('contacts', ...PEOPLE),
  place('no requests', 'contacts/requests', '.contact-list .empty'),
  place('own card', 'contacts/own', '.own-card .qr-code'),
  step('adding a contact', PEOPLE, '.contact-list-head button', '.contacts-modal textarea'),
  step('contact', PEOPLE, '.contact-row', '.safety .qr-code'),
  {
    name: 'comparing',
    go: async (page) => {
      await visit(page, ...PEOPLE);
      await page.locator('.contact-row').first().click();
      await page.locator('.safety ~ .button').click();
      await page.locator('.contacts-modal .safety-number').waitFor();
    },
    stays: true,
  },
  place('conversations', ...CHAT),
  {
    name: 'no such conversation',
    go: async (page) => {
      await visit(page, ...CHAT);
      await page.locator('.chat-search input').fill('nobody is called so');
      await page.locator('.chat-list .empty').waitFor();
    },
    stays: true,
  },
  step('person', CHAT, '.chat-list .mail-row:not(:has(svg))', '.line'),
  step('group', CHAT, '.chat-list .mail-row:has(svg)', '.line'),
  {
    name: 'members',
    go: async (page) => {
      await visit(page, ...CHAT);
      await page.locator('.chat-list .mail-row:has(svg)').first().click();
      await page.locator('.conversation-head .icon-button').click();
      await page.locator('.people li').first().waitFor();
    },
    stays: true,
  },
  step('new group', CHAT, '.chat-list-new .button', '.contact-pick [role=option]'),
  place('wallet', 'wallet', '.wallet-line'),
  place('plans', 'wallet/plans', '.plan details'),
  place('settings', 'settings', '.settings .inline-form'),
  place('privacy', 'settings/privacy', '.settings .form-switch'),
  place('mail programs', 'settings/programs', '.settings .fact'),
  place('devices', 'settings/devices', '.settings .thing'),
  place('backup', 'settings/backup', '.settings .fact'),
  place('hooks', 'settings/hooks', '.settings .empty'),
  place('about', 'settings/about', '.settings .fact'),
];

/** Those of a node that has this block. */
export function nodeScenes(blockId: string): readonly Scene[] {
  return [
    place('overview', 'node', '.node-figure'),
    place('peers', 'node/peers', 'tbody tr'),
    place('block', `node/block/${blockId}`, '.node-check .chip-ok'),
    place('milestone', 'node/milestone/1', '.node-check .chip-ok'),
    place('nothing found', 'node/search/there-is-no-such-tag', '.empty'),
  ];
}
