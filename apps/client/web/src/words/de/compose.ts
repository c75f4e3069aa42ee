/** What writing a mail says, in German. */
import type { Words } from '../en.ts';

export const compose = {
  title: 'Neue Nachricht',
  close: 'Schließen; der Entwurf bleibt',
  to: 'An',
  cc: 'Kopie',
  bcc: 'Blindkopie',
  copies: 'Kopie oder Blindkopie',
  subject: 'Betreff',
  text: 'Text',
  attach: 'Dateien anhängen',
  remove: '{name} entfernen',
  send: 'Senden',
  sent: 'Wartet auf diesem Gerät und geht gleich hinaus.',
  undo: 'Rückgängig',
  partlyUndone: 'Ein Teil ist hinausgegangen und nicht mehr zurückzuholen.',
  discard: 'Entwurf verwerfen',
  discarded: 'Der Entwurf ist weg.',
  saved: 'Gespeichert {time}',
  notSaved: 'Nicht gespeichert: {reason}',
  cost: '{size}, 30 Tage bei {providers} hinterlegt: {cost}, bezahlt vom Empfänger',
  refused: '{address} kann das nicht empfangen: {code}.',
  keyChanged:
    'Die Schlüssel eines Empfängers haben sich geändert. Vor dem Senden die Sicherheitsnummer vergleichen.',
  acceptKeys: 'Die neuen Schlüssel stimmen: senden',
  wrote: '{name} schrieb am {date}:',
  forwarded: 'Weitergeleitete Nachricht von {name}, {date}:',
  providers: { one: '{n} Anbieter', other: '{n} Anbietern' },
} satisfies Words['compose'];
