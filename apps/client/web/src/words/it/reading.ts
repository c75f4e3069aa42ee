/** What reading says, in Italian. */
import type { Words } from '../en.ts';

export const reading = {
  asHtml: 'Mostra come scritto (HTML)',
  asText: 'Mostra come testo',
  frame: 'Messaggio come scritto, HTML',
  expand: 'Ingrandisci',
  shrink: 'Riduci',
  onWhite: 'Mostra su bianco',
  onDark: 'Mostra su scuro',
  blocked: {
    one: '{n} immagine remota è bloccata. Caricarla direbbe al mittente che lo hai letto.',
    other: '{n} immagini remote sono bloccate. Caricarle direbbe al mittente che lo hai letto.',
  },
  cut: 'Il messaggio è molto lungo. La fine non è mostrata.',
  goesTo: 'Porta a {host}',
  fold: 'Chiudi questo messaggio',
  unfold: 'Apri il messaggio di {name}, {time}',
  conversation: {
    one: '{n} messaggio',
    other: '{n} messaggi',
  },
} satisfies Words['reading'];
