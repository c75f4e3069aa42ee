/** Everything that the pages say, in Italian, by area. */
import type { Words } from './en.ts';
import { compose } from './it/compose.ts';
import { faces } from './it/faces.ts';
import { forms } from './it/forms.ts';
import { mail } from './it/mail.ts';
import { settings } from './it/settings.ts';
import { shell } from './it/shell.ts';
import { state } from './it/state.ts';
import { wallet } from './it/wallet.ts';

export const it = { compose, faces, forms, mail, settings, shell, state, wallet } satisfies Words;
