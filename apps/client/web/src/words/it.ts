/** Everything that the pages say, in Italian, by area. */
import type { Words } from './en.ts';
import { compose } from './it/compose.ts';
import { dag } from './it/dag.ts';
import { faces } from './it/faces.ts';
import { mail } from './it/mail.ts';
import { shell } from './it/shell.ts';
import { state } from './it/state.ts';

export const it = { compose, dag, faces, mail, shell, state } satisfies Words;
