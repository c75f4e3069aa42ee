/** Everything that the pages say, in Italian, by area. */
import type { Words } from './en.ts';
import { chat } from './it/chat.ts';
import { compose } from './it/compose.ts';
import { contacts } from './it/contacts.ts';
import { faces } from './it/faces.ts';
import { filing } from './it/filing.ts';
import { keys } from './it/keys.ts';
import { mail } from './it/mail.ts';
import { shell } from './it/shell.ts';
import { state } from './it/state.ts';

export const it = { chat, compose, contacts, faces, filing, keys, mail, shell, state } satisfies Words;
