/** Everything that the pages say, in Italian, by area. */
import type { Words } from './en.ts';
import { chat } from './it/chat.ts';
import { compose } from './it/compose.ts';
import { contacts } from './it/contacts.ts';
import { dag } from './it/dag.ts';
import { delivery } from './it/delivery.ts';
import { faces } from './it/faces.ts';
import { filing } from './it/filing.ts';
import { forms } from './it/forms.ts';
import { keys } from './it/keys.ts';
import { mail } from './it/mail.ts';
import { node } from './it/node.ts';
import { reading } from './it/reading.ts';
import { settings } from './it/settings.ts';
import { shell } from './it/shell.ts';
import { state } from './it/state.ts';
import { wallet } from './it/wallet.ts';

export const it = {
  chat,
  compose,
  contacts,
  dag,
  delivery,
  faces,
  filing,
  forms,
  keys,
  mail,
  node,
  reading,
  settings,
  shell,
  state,
  wallet,
} satisfies Words;
