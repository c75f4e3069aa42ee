/** What forms of every screen say, in German. */
import type { Words } from '../en.ts';

export const forms = {
  close: 'Schließen',
  cancel: 'Abbrechen',
  save: 'Speichern',
  saved: 'Gespeichert',
  copy: 'Kopieren: {name}',
  copied: 'Kopiert: {name}',
  notCopied: 'Der Browser hat das Kopieren nicht erlaubt: {name}',
  problems: {
    unreachable: 'Der Daemon antwortet nicht.',
    'address-invalid': 'Das ist keine Wallet-Adresse dieses Netzes.',
    'amount-invalid': 'Das ist kein Betrag.',
    'insufficient-funds': 'Das Guthaben reicht nicht.',
    'deposit-too-small': 'Das ist weniger als der kleinste Betrag, den das Hauptbuch aufhebt.',
    'dust-change':
      'Was übrig bliebe, ist zu wenig, um aufbewahrt zu werden. Etwas weniger senden, oder alles.',
    'too-many-inputs':
      'Der Betrag ist über zu viele kleine Zahlungen verteilt. Weniger auf einmal senden.',
    'transaction-conflict': 'Das Hauptbuch hat die Zahlung nicht angewandt.',
    'node-unreachable': 'Der Knoten antwortet nicht. Nichts wurde gesendet.',
    'node-refused': 'Der Knoten hat die Anfrage abgelehnt.',
    'confirmation-late':
      'Kein Milestone hat es rechtzeitig bestätigt. Es läuft im Hintergrund weiter.',
    'no-provider': 'Kein Anbieter hat ein passendes Angebot.',
    'provider-unreachable': 'Der Anbieter antwortet nicht.',
    'provider-refused': 'Der Anbieter hat die Anfrage abgelehnt.',
    'price-too-high': 'Das Angebot ist teurer als die Grenze in den Einstellungen des Daemons.',
    'already-rented': 'Bei diesem Anbieter ist schon ein Postfach gemietet.',
    'rentals-too-many': 'Drei Postfächer sind schon gemietet. Erst eines schließen.',
    'channel-too-small': 'Die Einlage ist kleiner, als dieser Anbieter verlangt.',
    'credit-too-large': 'Ein so großes Guthaben führt der Anbieter nicht.',
    'channel-not-ready': 'Der Kanal ist dafür nicht im richtigen Zustand. In einer Minute wieder.',
    'paying-device-other': 'Ein anderes Gerät des Kontos zahlt. Bitte dort.',
    'app-passwords-too-many': 'Mehr Passwörter gibt es nicht. Erst eines widerrufen.',
    'bridge-closed': 'Die Türen für Mailprogramme sind geschlossen.',
    'backup-exists': 'Eine Datei mit diesem Namen gibt es schon.',
    'backup-words-unknown':
      'Dieses Konto ist älter als Sicherungen, die die Wiederherstellungswörter öffnen.',
    'file-unusable': 'Die Datei lässt sich dort nicht schreiben.',
    'device-unknown': 'Dieses Gerät gibt es nicht.',
    'link-not-open': 'Es wird gerade kein Gerät verbunden.',
    'link-number-wrong': 'Die beiden Geräte zeigen verschiedene Zahlen.',
    'link-expired': 'Der Code ist abgelaufen. Neu beginnen.',
    'link-too-large': 'Das Konto ist für diesen Weg zu groß. Eine Sicherung benutzen.',
    busy: 'Es läuft zu viel auf einmal. Noch einmal versuchen.',
    stopping: 'Der Daemon hält gerade an.',
  },
} satisfies Words['forms'];
