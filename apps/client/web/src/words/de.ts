/** Everything that the pages say, in German, by area. */
import type { Words } from './en.ts';
import { chat } from './de/chat.ts';
import { compose } from './de/compose.ts';
import { contacts } from './de/contacts.ts';
import { faces } from './de/faces.ts';
import { filing } from './de/filing.ts';
import { keys } from './de/keys.ts';
import { mail } from './de/mail.ts';
import { shell } from './de/shell.ts';
import { state } from './de/state.ts';

export const de = { chat, compose, contacts, faces, filing, keys, mail, shell, state } satisfies Words;
