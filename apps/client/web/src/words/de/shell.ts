/** What shell says, in German. */
import type { Words } from '../en.ts';

export const shell = {
  main: 'Hauptbereiche',
  skip: 'Zum Inhalt',
  offline: 'Keine Verbindung zum Daemon. Zu sehen ist, was auf diesem Gerät liegt.',
  notSynced: 'Der Knoten antwortet nicht. Post wartet solange auf diesem Gerät.',
  signedOut: 'Dieser Browser ist nicht angemeldet',
  signedOutHint: 'Auf diesem Rechner diesen Befehl ausführen und den Link öffnen:',
  failed: 'Dieser Teil der Seite ist ausgefallen',
  reload: 'Seite neu laden',
} satisfies Words['shell'];
