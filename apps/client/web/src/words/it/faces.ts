/** What faces says, in Italian. */
import type { Words } from '../en.ts';

export const faces = {
  mail: 'Posta',
  chat: 'Chat',
  contacts: 'Contatti',
  wallet: 'Portafoglio',
  node: 'Nodo',
  settings: 'Impostazioni',
} satisfies Words['faces'];
