/**
 * A mail program that puts mail into a folder, flags and removes it while the client is killed, and
 * looks afterwards for what it was promised. Before: kill.spec.ts; after: the bridge of the client.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LineDialog } from '@tanglemail/mail/io/testing/line-dialog.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import type { Stage } from '../../../tools/devnet/stage.ts';
import type { Chance } from './chance.ts';
import { killClient } from './client-kills.ts';

const LIMIT_MS = 60_000;
const MAX_MAILS = 5_000;

/** What a mail program was told or finds. */
export interface Promised {
  readonly uidValidity: string;
  /** Subjects by UID. */
  readonly kept: ReadonlyMap<number, string>;
  /** UIDs whose flag was acknowledged. */
  readonly flagged: ReadonlySet<number>;
  /** UIDs whose removal was acknowledged. */
  readonly removed: ReadonlySet<number>;
}

async function login({ devnet }: Stage): Promise<LineDialog> {
  const { bridge } = devnet.network.clients.alice;
  if (bridge === null) throw new Error('the bridge did not open');
  const dialog = await LineDialog.open(bridge.imap);
  dialog.say(`l LOGIN ${bridge.user} ${bridge.password}\r\n`);
  await dialog.until(/^l OK[^\n]*\n/m);
  return dialog;
}

/**
 * APPENDs as fast as the answers come; every third mail is flagged, every fifth removed. The client
 * is killed meanwhile and started again.
 */
export async function appendOverKill(stage: Stage, chance: Chance): Promise<Promised> {
  const dialog = await login(stage);
  const kept = new Map<number, string>();
  const flagged = new Set<number>();
  const removed = new Set<number>();
  let uidValidity = '';
  const ask = async (command: string): Promise<string> => {
    dialog.say(`t ${command}\r\n`);
    return await dialog.until(/^t (OK|NO|BAD)[^\n]*\n/m);
  };
  const work = async (): Promise<void> => {
    await ask('SELECT Archive');
    for (let at = 0; at < MAX_MAILS; at++) {
      const raw = `Subject: mail ${at}\r\n\r\nx\r\n`;
      const answer = await ask(`APPEND Archive {${raw.length}+}\r\n${raw}`);
      const [, validity = '', uidText = ''] = /APPENDUID (\d+) (\d+)/.exec(answer) ?? [];
      const uid = Number(uidText);
      uidValidity = validity;
      kept.set(uid, `mail ${at}`);
      if (at % 3 === 0) {
        const stored = await ask(`UID STORE ${uid} +FLAGS (\\Flagged)`);
        if (/^t OK/m.test(stored)) flagged.add(uid);
      }
      if (at % 5 === 0) {
        await ask(`UID STORE ${uid} +FLAGS (\\Deleted)`);
        const gone = await ask(`UID EXPUNGE ${uid}`);
        if (/^t OK/m.test(gone)) removed.add(uid);
      }
    }
  };
  const working = work().catch(() => undefined);
  await until('some mails are in', LIMIT_MS, async () => (kept.size > 4 ? true : new NotYet('')));
  await sleep(chance.integer(0, 300));
  await killClient(stage, 'alice');
  await working;
  dialog.close();
  return { uidValidity, kept, flagged, removed };
}

/** What a program finds in the folder. */
export async function found(stage: Stage): Promise<Omit<Promised, 'removed'>> {
  const dialog = await login(stage);
  dialog.say('a SELECT Archive\r\n');
  const selected = await dialog.until(/^a OK[^\n]*\n/m);
  dialog.say('b UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n');
  const fetched = await dialog.until(/^b OK[^\n]*\n/m);
  dialog.close();
  const kept = new Map<number, string>();
  const flagged = new Set<number>();
  const answers = fetched.matchAll(/UID (\d+) FLAGS \(([^)]*)\)[^\n]*\nSubject: (mail \d+)\r/g);
  for (const [, uid = '', flags = '', subject = ''] of answers) {
    kept.set(Number(uid), subject);
    if (flags.includes('\\Flagged')) flagged.add(Number(uid));
  }
  return { uidValidity: /UIDVALIDITY (\d+)/.exec(selected)?.[1] ?? '', kept, flagged };
}
