/** Everything that the pages say, in English, by area. The other languages have the same shape. */
import { chat } from './en/chat.ts';
import { compose } from './en/compose.ts';
import { contacts } from './en/contacts.ts';
import { dag } from './en/dag.ts';
import { delivery } from './en/delivery.ts';
import { faces } from './en/faces.ts';
import { filing } from './en/filing.ts';
import { forms } from './en/forms.ts';
import { keys } from './en/keys.ts';
import { mail } from './en/mail.ts';
import { node } from './en/node.ts';
import { reading } from './en/reading.ts';
import { settings } from './en/settings.ts';
import { shell } from './en/shell.ts';
import { state } from './en/state.ts';
import { wallet } from './en/wallet.ts';

export const en = {
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
};

export type Words = typeof en;
