/**
 * Where a test of the pages sits: a browser in front of the daemons of a small network, and what
 * it needs to know of them that no page says. Before: browser.ts, rig.ts; after: the web specs.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { ClientRole } from '../../../tools/devnet/layout.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import type { Stage } from '../../../tools/devnet/stage.ts';
import { openBrowser, openContext, type WatchedContext } from './browser.ts';
import { Rig } from './rig.ts';

/** Anything on a page; a mail takes proof of work, a milestone and a provider. */
export const SEEN_MS = 90_000;

export interface OpenedPage {
  readonly page: Page;
  /** What went wrong in this window so far. */
  readonly faults: string[];
}

export class WebDesk {
  readonly #browser: Browser;
  readonly #rig: Rig;

  private constructor(browser: Browser, rig: Rig) {
    this.#browser = browser;
    this.#rig = rig;
  }

  /** Starts both, with alice and bob acquainted; undefined where there is no browser. */
  static async open(): Promise<WebDesk | undefined> {
    const browser = await openBrowser();
    if (browser === undefined) return undefined;
    let rig: Rig | undefined;
    try {
      rig = await Rig.open();
      await rig.befriend();
    } catch (error) {
      await browser.close();
      await rig?.close();
      throw error;
    }
    return new WebDesk(browser, rig);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#rig.close();
  }

  get stage(): Stage {
    return this.#rig.stage;
  }

  /** Where the pages of a client are. */
  apiOf(role: ClientRole): string {
    return this.#rig.devnet.apiOf(role);
  }

  /** A window that may ask `origin` alone. */
  async window(origin: string): Promise<WatchedContext> {
    const window = await openContext(this.#browser, origin);
    window.context.setDefaultTimeout(SEEN_MS);
    return window;
  }

  /** A new window of a person, signed in by the link, at the inbox. */
  async signIn(role: ClientRole): Promise<OpenedPage> {
    const { context, faults } = await this.window(this.apiOf(role));
    const page = await context.newPage();
    await page.goto(`${this.apiOf(role)}/#token=${this.#tokenOf(role)}`);
    await page.getByRole('heading', { name: 'Inbox' }).waitFor();
    return { page, faults };
  }

  /** The page of the first node, which nobody signs in to. */
  async openNode(): Promise<OpenedPage> {
    const api = this.#rig.devnet.apiOf('node-1');
    const { context, faults } = await this.window(api);
    const page = await context.newPage();
    await page.goto(api);
    await page.getByRole('heading', { name: 'Latest blocks' }).waitFor();
    return { page, faults };
  }

  /** Has a daemon do something that the spec itself does not click through. */
  async post(role: ClientRole, path: string, body: unknown): Promise<void> {
    const response = await fetch(`${this.apiOf(role)}/api/client/v1/${path}`, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${this.#tokenOf(role)}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  /** Pays from the faucet to an address of a wallet. */
  async grant(address: string, amount: bigint): Promise<void> {
    const response = await fetch(`${this.#rig.devnet.apiOf('faucet')}/api/faucet/v1/requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ address, amount: `${amount}` }),
    });
    if (response.status !== 202) throw new Error(`the faucet says ${response.status}`);
  }

  /** The block of a mail that alice wrote, once a milestone has it. */
  async blockOf(subject: string): Promise<string> {
    return await until<string>('the mail is confirmed', SEEN_MS, async () => {
      const items = await this.stage.alice.outbox();
      const found = items.find(
        (one) => one.subject === subject && one.milestoneIndex !== undefined,
      );
      return found?.blockId ?? new NotYet(`${items.length} mails`);
    });
  }

  /** What the operator of the first node types in. */
  async controlToken(): Promise<string> {
    const folder = this.#rig.devnet.layout.folder('node-1');
    const text = await readFile(join(folder, 'store', 'control.json'), 'utf8');
    return (JSON.parse(text) as { token: string }).token;
  }

  #tokenOf(role: ClientRole): string {
    return this.#rig.devnet.network.clients[role].token ?? '';
  }
}
