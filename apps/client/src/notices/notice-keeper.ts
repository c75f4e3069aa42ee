/**
 * The System folder: files a notice as a mail when there is something to tell, once for each
 * reason, in the batch that remembers it. The folder is an ordinary one, made with the first
 * notice; its mails go nowhere and can be deleted. Before: client.ts; after: messages, mail io,
 * compose.ts. Spec: docs/spec/45-mail-programs.md §8.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { composeMessage } from '@tanglemail/mail/io/compose.ts';
import { type Account, emailText } from '../account/account.ts';
import type { FolderId, FolderName } from '../messages/folder-name.ts';
import type { MailChange } from '../messages/listed-mail.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { MAX_TOLD_NOTICES, toldNotices } from '../store/bridge-collections.ts';
import type { RecordOf } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import type { WriteLock } from '../store/write-lock.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { type Notice, type NoticeFacts, noticesOf } from './notice.ts';

export const SYSTEM_FOLDER = 'System' as FolderName;
/** The same on all devices of all accounts: devices that make it at once make one. */
const SYSTEM_ID = bytesToHex(
  sha256(utf8ToBytes('tmail/system-folder/v1')).subarray(0, 16),
) as FolderId;
const TOLD_KEY = 'notices';
/** A reason that came back within this time is not told again. */
const REST_MS = 86_400_000;
/** Notices of one look; more wait for the next. */
const MAX_AT_ONCE = 10;
const FROM = { name: 'Tanglemail', address: 'mailer-daemon@tangle.alt' } as const;
const ID_LENGTH = 16;

export interface NoticeKeeperDeps {
  readonly account: Account;
  readonly store: SealedStore;
  readonly writes: WriteLock;
  readonly messages: MessageStore;
  readonly tangle: Pick<TangleAccess, 'clock' | 'random'>;
  readonly facts: () => Promise<NoticeFacts>;
  /** Told when notices were filed. */
  readonly onNotice: () => void;
}

type Told = RecordOf<typeof toldNotices>['told'];

export class NoticeKeeper {
  readonly #deps: NoticeKeeperDeps;
  /** Batches in which the folder is being made. */
  readonly #made = new WeakSet<SealedBatch>();

  constructor(deps: NoticeKeeperDeps) {
    this.#deps = deps;
  }

  /** Looks at the account, and files what is new; gives how many notices that were. */
  async look(): Promise<number> {
    const { store, writes, facts, onNotice, tangle } = this.#deps;
    const present = noticesOf(await facts());
    const filed = await writes.run(async () => {
      const nowMs = tangle.clock.nowMs();
      const known = store.get(toldNotices, TOLD_KEY)?.told;
      // At the first look of all, the devices are those that the account had.
      const isFirst = known === undefined;
      const before = known ?? [];
      const named = present.map((notice) => ({ notice, key: keyOf(notice) }));
      const isNew = ({ key }: { key: string }): boolean => !before.some((one) => one.key === key);
      const fresh = named.filter(isNew);
      const silent = isFirst ? fresh.filter(({ notice }) => isOfBefore(notice)) : [];
      const loud = fresh.filter((one) => !silent.includes(one)).slice(0, MAX_AT_ONCE);
      const keys = new Set(named.map(({ key }) => key));
      const kept = before.filter(({ key, atMs }) => keys.has(key) || nowMs - atMs < REST_MS);
      if (!isFirst && loud.length === 0 && kept.length === before.length) return 0;
      const batch = store.batch();
      const changes: MailChange[] = [];
      for (const { notice } of loud) changes.push(await this.#file(batch, notice, nowMs));
      const told: Told = [
        ...kept,
        ...[...silent, ...loud].map(({ key }) => ({ key, atMs: nowMs })),
      ];
      batch.put(toldNotices, TOLD_KEY, { told: told.slice(-MAX_TOLD_NOTICES) });
      await batch.write();
      for (const { apply } of changes) apply();
      return changes.length;
    });
    if (filed > 0) onNotice();
    return filed;
  }

  async #file(batch: SealedBatch, notice: Notice, nowMs: number): Promise<MailChange> {
    const { account, messages, tangle } = this.#deps;
    const id = bytesToHex(tangle.random.bytes(ID_LENGTH));
    const messageId = `<${id}@tangle.alt>`;
    const to = emailText(account);
    const { subject, text } = notice;
    const raw = await composeMessage({
      from: FROM,
      to: [to],
      subject,
      text: `${text}\n`,
      messageId,
      dateMs: nowMs,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    return messages.deliver(batch, {
      folder: this.#folder(batch),
      raw,
      messageKey: `notice:${id}`,
      receivedAtMs: nowMs,
      flags: [],
      isRegistered: false,
      hasAttachments: false,
      fromName: FROM.name,
      to,
      subject,
      messageId,
      importedFrom: FROM.address,
    });
  }

  /** The folder, under whatever name the user gave it since; made when it is not there. */
  #folder(batch: SealedBatch): FolderId {
    const { messages } = this.#deps;
    if (messages.folder(SYSTEM_ID) !== undefined) return SYSTEM_ID;
    const own = messages.findFolder(SYSTEM_FOLDER);
    if (own !== undefined) return own.id;
    if (!this.#made.has(batch)) messages.createFolder(batch, SYSTEM_FOLDER, () => SYSTEM_ID);
    this.#made.add(batch);
    return SYSTEM_ID;
  }
}

/** Only a hash is kept: the key names people. */
function keyOf({ key }: Notice): string {
  return bytesToHex(sha256(utf8ToBytes(key)).subarray(0, 16));
}

function isOfBefore({ key }: Notice): boolean {
  return key.startsWith('device ');
}
