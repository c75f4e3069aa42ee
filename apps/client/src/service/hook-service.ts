/**
 * What the local API does with hooks: reads what the user means, warns of what is unwise.
 * Before: api/hooks.controller.ts; after: hooks/hook-book.ts, hooks/hook-runner.ts.
 */
import { isAbsolute } from 'node:path';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { addressText } from '../account/account.ts';
import type { AddedHookDto, HookDto, HookTestDto, NewHookDto } from '../api/hook-dto.ts';
import type { HookService } from '../api/hook-service.ts';
import { ClientError } from '../client-error.ts';
import type { ClientParts } from '../client-parts.ts';
import { MAX_HOOKS } from '../hooks/hook-book.ts';
import type { Hook, HookTarget } from '../store/hook-collections.ts';
import { readRecipient } from './recipients.ts';

type Parts = Pick<
  ClientParts,
  'account' | 'config' | 'contacts' | 'hookBook' | 'hookRunner' | 'messages' | 'tangle'
>;

const SECRET_LENGTH = 32;
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]+){3}|\[::1\])$/;

export class Hooks implements HookService {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  hooks(): HookDto[] {
    return this.#parts.hookBook.list().map((hook) => this.#view(hook));
  }

  async addHook(request: NewHookDto): Promise<AddedHookDto> {
    const { account, contacts, hookBook, tangle } = this.#parts;
    if (hookBook.list().length >= MAX_HOOKS) throw new ClientError('hooks-too-many');
    const { target, warnings } = this.#targetOf(request);
    const { folder = 'INBOX', sender, withText, timeoutSeconds } = request;
    const from =
      sender === undefined ? {} : { sender: readRecipient(account, contacts, sender).address };
    const hook = await hookBook.add({
      target,
      folder: this.#folderId(folder),
      ...from,
      withText,
      secret: bytesToHex(tangle.random.bytes(SECRET_LENGTH)),
      timeoutMs: timeoutSeconds * 1_000,
      createdAtMs: tangle.clock.nowMs(),
      delivered: 0,
      failed: 0,
      lastAtMs: 0,
      lastError: '',
    });
    return { ...this.#view(hook), secret: hook.secret, warnings };
  }

  async removeHook(id: number): Promise<void> {
    await this.#parts.hookBook.remove(this.#hook(id).id);
  }

  async testHook(id: number): Promise<HookTestDto> {
    const startedMs = performance.now();
    const outcome = await this.#parts.hookRunner.test(this.#hook(id));
    return { ...outcome, tookMs: Math.round(performance.now() - startedMs) };
  }

  #hook(id: number): Hook {
    const hook = this.#parts.hookBook.get(id);
    if (hook === undefined) throw new ClientError('hook-unknown', `${id}`);
    return hook;
  }

  #targetOf({ url, argv }: NewHookDto): { target: HookTarget; warnings: string[] } {
    if (url !== undefined) return urlTarget(url);
    const [file = ''] = argv ?? [];
    if (!this.#parts.config.hooks.commands) throw new ClientError('hook-commands-off', file);
    // A relative name would mean another program when PATH or the folder is another one.
    if (!isAbsolute(file)) {
      throw new ClientError('request-malformed', 'argv: begins with the whole path of a program');
    }
    return { target: { kind: 'command', argv: [...(argv ?? [])] }, warnings: [] };
  }

  #folderId(text: string): string {
    if (text === '*') return text;
    const folder = this.#parts.messages.findFolder(text);
    if (folder === undefined) throw new ClientError('folder-unknown', text);
    return folder.id;
  }

  #view(hook: Hook): HookDto {
    const { account, messages } = this.#parts;
    const { sender, timeoutMs, lastAtMs, secret: _, ...facts } = hook;
    const folder = messages.findFolder(hook.folder)?.name ?? hook.folder;
    return {
      ...facts,
      folder,
      ...(sender === undefined ? {} : { sender: addressText(account, sender) }),
      timeoutSeconds: timeoutMs / 1_000,
      lastAtMs: lastAtMs === 0 ? null : lastAtMs,
    };
  }
}

function urlTarget(text: string): { target: HookTarget; warnings: string[] } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new ClientError('request-malformed', 'url: expected http:// or https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new ClientError('request-malformed', 'url: without a user and a password');
  }
  const isOpen = url.protocol === 'http:' && !LOOPBACK.test(url.hostname);
  const warnings = isOpen ? ['everybody on the way reads what is posted: use https'] : [];
  return { target: { kind: 'url', url: url.href }, warnings };
}
