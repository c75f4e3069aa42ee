/** Everything that the pages say, in English, by area. The other languages have the same shape. */
import { compose } from './en/compose.ts';
import { faces } from './en/faces.ts';
import { forms } from './en/forms.ts';
import { mail } from './en/mail.ts';
import { settings } from './en/settings.ts';
import { shell } from './en/shell.ts';
import { state } from './en/state.ts';
import { wallet } from './en/wallet.ts';

export const en = { compose, faces, forms, mail, settings, shell, state, wallet };

export type Words = typeof en;
