/** What delivery says, in Italian. */
import type { Words } from '../en.ts';

export const delivery = {
  states: {
    scheduled: "Parte all'ora scelta",
    queued: 'In coda su questo dispositivo',
    attached: 'Nel tangle',
    confirmed: 'Confermato',
    stored: 'Custodito da {n} di {all} provider',
    fetched: 'Ritirato dal destinatario',
    read: 'Letto',
    failed: 'Non inviato',
    expired: 'Scaduto prima del ritiro',
    recalled: 'Ritirato, mai inviato',
  },
  partly: {
    scheduled: "{n} di {all} partono all'ora scelta",
    queued: 'In coda per {n} di {all}',
    attached: 'Nel tangle per {n} di {all}',
    confirmed: 'Confermato per {n} di {all}',
    stored: 'Custodito per {n} di {all}',
    fetched: 'Ritirato da {n} di {all}',
    read: 'Letto da {n} di {all}',
  },
  all: {
    fetched: 'Ritirato da tutti e {all}',
    read: 'Letto da tutti e {all}',
  },
  notSent: '{n} non inviati',
  reasons: {
    'insufficient-funds':
      'Non inviato: saldo insufficiente. Aggiungi token o accorcia la custodia.',
    'key-changed':
      'In attesa: il numero di sicurezza del destinatario è cambiato. Confrontalo e poi accettalo.',
    'node-unreachable': 'Il nodo non risponde. Si riprova.',
    'descriptor-not-found': 'Il destinatario non ha ancora pubblicato nulla. Si riprova.',
    'message-too-large': 'Non inviato: il messaggio è troppo grande.',
  },
  failedWhy: 'Non inviato: {reason}',
  retryAt: 'Prossimo tentativo {time}',
  track: 'Percorso di questo messaggio',
  report: 'Rapporto di consegna',
  open: 'Rapporto di consegna (i)',
  close: 'Chiudi il rapporto',
  recipient: 'Destinatario',
  receipts: 'Ricevute',
  tries: 'Cronologia',
  receiptUntil: '{provider}, fino al {time}',
  noReceipts: 'Ancora nessuna ricevuta',
  noTime: 'non ancora',
  steps: {
    queued: 'In coda',
    attached: 'Nel tangle',
    confirmed: 'Confermato',
    stored: 'Custodito',
    fetched: 'Ritirato',
    read: 'Letto',
  },
  meaning: 'Uno stato si mostra quando ce n’è la prova, non prima.',
} satisfies Words['delivery'];
