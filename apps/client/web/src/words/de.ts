/** Everything that the pages say, in German, by area. */
import type { Words } from './en.ts';
import { compose } from './de/compose.ts';
import { dag } from './de/dag.ts';
import { faces } from './de/faces.ts';
import { mail } from './de/mail.ts';
import { shell } from './de/shell.ts';
import { state } from './de/state.ts';

export const de = { compose, dag, faces, mail, shell, state } satisfies Words;
