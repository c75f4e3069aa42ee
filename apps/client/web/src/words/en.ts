/** Everything that the pages say, in English, by area. The other languages have the same shape. */
import { compose } from './en/compose.ts';
import { dag } from './en/dag.ts';
import { faces } from './en/faces.ts';
import { mail } from './en/mail.ts';
import { shell } from './en/shell.ts';
import { state } from './en/state.ts';

export const en = { compose, dag, faces, mail, shell, state };

export type Words = typeof en;
