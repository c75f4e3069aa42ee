/** Everything that the pages say, in German, by area. */
import type { Words } from './en.ts';
import { compose } from './de/compose.ts';
import { faces } from './de/faces.ts';
import { forms } from './de/forms.ts';
import { mail } from './de/mail.ts';
import { settings } from './de/settings.ts';
import { shell } from './de/shell.ts';
import { state } from './de/state.ts';
import { wallet } from './de/wallet.ts';

export const de = { compose, faces, forms, mail, settings, shell, state, wallet } satisfies Words;
