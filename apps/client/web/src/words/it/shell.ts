/** What shell says, in Italian. */
import type { Words } from '../en.ts';

export const shell = {
  main: 'Principale',
  skip: 'Vai al contenuto',
  offline: 'Nessuna connessione al daemon. Si vede ciò che è su questo dispositivo.',
  notSynced: 'Il nodo non risponde. La posta aspetta su questo dispositivo.',
  signedOut: 'Questo browser non è collegato',
  signedOutHint: 'Esegui questo comando su questa macchina e apri il link che stampa:',
  failed: 'Questa parte della pagina non ha funzionato',
  reload: 'Ricarica la pagina',
} satisfies Words['shell'];
