/** Everything that the pages say, in Italian, by area. */
import type { Words } from './en.ts';
import { compose } from './it/compose.ts';
import { delivery } from './it/delivery.ts';
import { faces } from './it/faces.ts';
import { mail } from './it/mail.ts';
import { reading } from './it/reading.ts';
import { shell } from './it/shell.ts';
import { state } from './it/state.ts';

export const it = { compose, delivery, faces, mail, reading, shell, state } satisfies Words;
