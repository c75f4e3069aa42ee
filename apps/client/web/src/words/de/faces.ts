/** What faces says, in German. */
import type { Words } from '../en.ts';

export const faces = {
  mail: 'Post',
  chat: 'Chat',
  contacts: 'Kontakte',
  wallet: 'Guthaben',
  node: 'Knoten',
  settings: 'Einstellungen',
} satisfies Words['faces'];
