/** Everything that the pages say, in German, by area. */
import type { Words } from './en.ts';
import { compose } from './de/compose.ts';
import { delivery } from './de/delivery.ts';
import { faces } from './de/faces.ts';
import { mail } from './de/mail.ts';
import { reading } from './de/reading.ts';
import { shell } from './de/shell.ts';
import { state } from './de/state.ts';

export const de = { compose, delivery, faces, mail, reading, shell, state } satisfies Words;
