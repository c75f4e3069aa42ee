/** What writing a mail says, in Italian. */
import type { Words } from '../en.ts';

export const compose = {
  title: 'Nuovo messaggio',
  close: 'Chiudi; la bozza resta',
  to: 'A',
  cc: 'Cc',
  bcc: 'Ccn',
  copies: 'Aggiungi Cc o Ccn',
  subject: 'Oggetto',
  text: 'Testo',
  attach: 'Allega file',
  remove: 'Togli {name}',
  send: 'Invia',
  sent: 'In coda su questo dispositivo. Parte tra un momento.',
  undo: 'Annulla',
  partlyUndone: 'Una parte è già partita e non si può riprendere.',
  discard: 'Elimina la bozza',
  discarded: 'La bozza è stata eliminata.',
  saved: 'Salvato {time}',
  notSaved: 'Non salvato: {reason}',
  cost: '{size}, conservato 30 giorni presso {providers}: {cost}, a carico di chi riceve',
  refused: '{address} non può riceverlo: {code}.',
  keyChanged:
    'Le chiavi di un destinatario sono cambiate. Confronta il numero di sicurezza prima di inviare.',
  acceptKeys: 'Le nuove chiavi sono giuste: invia',
  wrote: '{name} ha scritto il {date}:',
  forwarded: 'Messaggio inoltrato da {name}, {date}:',
  providers: { one: '{n} provider', other: '{n} provider' },
} satisfies Words['compose'];
