/** Everything that the pages say, in German, by area. */
import type { Words } from './en.ts';
import { chat } from './de/chat.ts';
import { compose } from './de/compose.ts';
import { contacts } from './de/contacts.ts';
import { dag } from './de/dag.ts';
import { delivery } from './de/delivery.ts';
import { faces } from './de/faces.ts';
import { filing } from './de/filing.ts';
import { forms } from './de/forms.ts';
import { keys } from './de/keys.ts';
import { mail } from './de/mail.ts';
import { node } from './de/node.ts';
import { reading } from './de/reading.ts';
import { settings } from './de/settings.ts';
import { shell } from './de/shell.ts';
import { state } from './de/state.ts';
import { wallet } from './de/wallet.ts';

export const de = {
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
