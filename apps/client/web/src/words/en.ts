/** Everything that the pages say, in English, by area. The other languages have the same shape. */
import { compose } from './en/compose.ts';
import { delivery } from './en/delivery.ts';
import { faces } from './en/faces.ts';
import { mail } from './en/mail.ts';
import { reading } from './en/reading.ts';
import { shell } from './en/shell.ts';
import { state } from './en/state.ts';

export const en = { compose, delivery, faces, mail, reading, shell, state };

export type Words = typeof en;
