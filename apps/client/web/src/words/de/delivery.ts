/** What delivery says, in German. */
import type { Words } from '../en.ts';

export const delivery = {
  states: {
    scheduled: 'Geht zur gewählten Zeit',
    queued: 'Wartet auf diesem Gerät',
    attached: 'Im Tangle',
    confirmed: 'Bestätigt',
    stored: 'Bei {n} von {all} Anbietern hinterlegt',
    fetched: 'Vom Empfänger abgeholt',
    read: 'Gelesen',
    failed: 'Nicht gesendet',
    expired: 'Vor Abholung abgelaufen',
    recalled: 'Zurückgenommen, nie gesendet',
  },
  partly: {
    scheduled: '{n} von {all} gehen zur gewählten Zeit',
    queued: 'Wartet für {n} von {all}',
    attached: 'Im Tangle für {n} von {all}',
    confirmed: 'Bestätigt für {n} von {all}',
    stored: 'Hinterlegt für {n} von {all}',
    fetched: 'Von {n} von {all} abgeholt',
    read: 'Von {n} von {all} gelesen',
  },
  all: {
    fetched: 'Von allen {all} abgeholt',
    read: 'Von allen {all} gelesen',
  },
  notSent: '{n} nicht gesendet',
  reasons: {
    'insufficient-funds':
      'Nicht gesendet: Guthaben zu niedrig. Token aufladen oder kürzer hinterlegen.',
    'key-changed':
      'Wartet: Die Sicherheitsnummer des Empfängers hat sich geändert. Vergleichen, dann annehmen.',
    'node-unreachable': 'Der Knoten antwortet nicht. Es wird erneut versucht.',
    'descriptor-not-found':
      'Der Empfänger hat noch nichts veröffentlicht. Es wird erneut versucht.',
    'message-too-large': 'Nicht gesendet: Die Nachricht ist zu groß.',
  },
  failedWhy: 'Nicht gesendet: {reason}',
  retryAt: 'Nächster Versuch {time}',
  track: 'Weg dieser Nachricht',
  report: 'Zustellbericht',
  open: 'Zustellbericht (i)',
  close: 'Bericht schließen',
  recipient: 'Empfänger',
  receipts: 'Quittungen',
  tries: 'Verlauf',
  receiptUntil: '{provider}, bis {time}',
  noReceipts: 'Noch keine Quittung',
  noTime: 'noch nicht',
  steps: {
    queued: 'Wartet',
    attached: 'Im Tangle',
    confirmed: 'Bestätigt',
    stored: 'Hinterlegt',
    fetched: 'Abgeholt',
    read: 'Gelesen',
  },
  meaning: 'Ein Stand wird gezeigt, wenn er bewiesen ist, und nicht vorher.',
} satisfies Words['delivery'];
