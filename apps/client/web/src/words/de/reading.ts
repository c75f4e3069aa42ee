/** What reading says, in German. */
import type { Words } from '../en.ts';

export const reading = {
  asHtml: 'Wie geschrieben zeigen (HTML)',
  asText: 'Als Text zeigen',
  frame: 'Nachricht wie geschrieben, HTML',
  expand: 'Vergrößern',
  shrink: 'Verkleinern',
  onWhite: 'Auf Weiß zeigen',
  onDark: 'Auf Dunkel zeigen',
  blocked: {
    one: '{n} Bild von außen ist gesperrt. Laden würde dem Absender verraten, dass du liest.',
    other: '{n} Bilder von außen sind gesperrt. Laden würde dem Absender verraten, dass du liest.',
  },
  cut: 'Die Nachricht ist sehr lang. Ihr Ende wird nicht gezeigt.',
  goesTo: 'Führt zu {host}',
  fold: 'Diese Nachricht zuklappen',
  unfold: 'Nachricht von {name}, {time}, aufklappen',
  conversation: {
    one: '{n} Nachricht',
    other: '{n} Nachrichten',
  },
} satisfies Words['reading'];
