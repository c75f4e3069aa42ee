/** What the settings say, in German. */
import type { Words } from '../en.ts';

export const settings = {
  pages: 'Einstellungen',
  general: 'Allgemein',
  privacy: 'Privatsphäre',
  programs: 'Mailprogramme',
  devices: 'Geräte',
  backup: 'Sicherung',
  hooks: 'Hooks',
  about: 'Über',
  on: 'An',
  off: 'Aus',
  language: 'Sprache',
  languages: { en: 'English', it: 'Italiano', de: 'Deutsch' },
  theme: 'Farben',
  themes: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
  profile: 'Name',
  profileName: 'Dein Name in Mails',
  profileHint: 'Steht in jeder Mail, die du schreibst; darf leer sein. Er ist öffentlich.',
  browser: 'Dieser Browser',
  signOutHint:
    'Post und Guthaben bleiben auf diesem Gerät. Zurück kommt man mit einem neuen Link durch:',
  signOut: 'Diesen Browser abmelden',
  strangers: 'Post von Fremden',
  stamp: 'Arbeit, die ein Fremder für jede Mail tun muss',
  stamps: {
    '0': 'Keine',
    '16': 'Wenig',
    '20': 'Üblich',
    '22': 'Viermal so viel',
    '24': 'Sechzehnmal so viel',
  },
  stampOwn: '{n} Bit',
  stampHint:
    'Die übliche Arbeit dauert auf einem Telefon eine halbe Sekunde. Einen ehrlichen ' +
    'Fremden kostet sie sonst nichts, eine Million unerwünschter Mails macht sie ' +
    'teuer. Mehr Arbeit hält mehr fern, auch Leute mit schwachem Telefon. Kontakte und ' +
    'Eingeladene tun sie nie.',
  contactsOnly: 'Nur Kontakte und Eingeladene können mir schreiben',
  contactsOnlyHint:
    'Post von Fremden wird dann gar nicht gehört und später nicht gefunden. Niemand ' +
    'erfährt, dass er nicht gehört wurde.',
  receipts: 'Quittungen',
  receiptsHint:
    'Eine Quittung kostet eine kleine Mail mit ihrem Arbeitsnachweis und sagt der ' +
    'anderen Seite ungefähr, wann dieses Gerät an war. Diese stehen in config.json des ' +
    'Daemons:',
  receiptsAsk: 'Andere um Quittungen bitten',
  receiptsDelivery: 'Sagen, dass eine Mail abgeholt wurde',
  deliveryTo: {
    never: 'Niemandem',
    contacts: 'Kontakten, die fragen',
    always: 'Allen, die fragen',
  },
  receiptsRead: 'Sagen, dass eine Mail gelesen wurde',
  receiptsDelay: 'Vorher warten, bis zu',
  seconds: { one: '{n} Sekunde', other: '{n} Sekunden' },
  finding: 'Wie Post gefunden wird',
  findingHint: 'Jeder Weg zeigt jemandem etwas. Sie stehen in config.json als mail.find.',
  ways: { tags: 'Tags', buckets: 'Buckets', filters: 'Filter' },
  wayHints: {
    tags:
      'Gemieteten Anbietern wird gesagt, nach welchen Tags sie sehen sollen. Jeder ' +
      'erfährt, wie viel Post unter welchem Tag kommt und wann, nicht wer sie schrieb. ' +
      'Etwa 3 kB am Tag.',
    buckets:
      'Gemietete Anbieter heben auf, was Fremde dir geschickt haben können, zwischen ' +
      'der Post anderer. Sie erfahren, wie viel davon genommen wird.',
    filters:
      'Niemandem wird etwas gesagt: Filter aller Post werden von Knoten gelesen und ' +
      'hier durchgesehen. Ein Knoten erfährt nur, wann dieses Gerät weg war und welche ' +
      'Milestones es holt. 79 kB am Tag für je 1.000 Nutzer des Netzes.',
  },
  push: 'Anbieter melden neue Post sofort',
  pushHint: 'Sie sehen, wann dieses Gerät an ist. Sonst werden sie alle paar Minuten gefragt.',
  filterState:
    'Filter gelesen bis Milestone {next}; {mails} Mails gefunden, {falseHits} falsche Treffer',
  programsHint:
    'Jedes Mailprogramm auf diesem Rechner kann das Konto benutzen. Es verbindet sich ' +
    'mit diesen Türen, mit einem eigenen Passwort.',
  host: 'Server',
  user: 'Benutzername',
  door: '{protocol}, {tls}',
  tls: { implicit: 'TLS', starttls: 'STARTTLS' },
  port: 'Port',
  fingerprint: 'Fingerabdruck des Zertifikats (SHA-256)',
  certificate: 'Zertifikat speichern',
  noDoors: 'Keine Tür ist offen: bridge.protocols in config.json ist leer.',
  passwords: 'Passwörter der Programme',
  noPasswords: 'Noch hat kein Programm ein Passwort.',
  programName: 'Name des Programms',
  make: 'Passwort machen',
  made: 'Passwort für {name}',
  madeHint: 'Nur dieses eine Mal zu sehen. Jetzt in das Programm kopieren.',
  password: 'Passwort',
  passwordQr: 'QR-Code des Passworts',
  usedLast: 'Zuletzt benutzt {time}',
  neverUsed: 'Nie benutzt',
  revoke: 'Widerrufen: {name}',
  revoked: '{name} kann sich nicht mehr anmelden.',
  devicesHint: 'Jedes Gerät hat das ganze Konto. Eines von ihnen zahlt für die Postfächer.',
  thisDevice: 'Dieses Gerät',
  paying: 'Zahlt',
  forked: 'Zwei Kopien davon schreiben: neu verbinden',
  removed: 'Entfernt',
  pay: 'Dieses Gerät zahlen lassen',
  payDone: 'Ab jetzt zahlt dieses Gerät.',
  remove: 'Entfernen: {name}',
  removeTitle: '{name} entfernen?',
  removeHint:
    'Es bekommt ab jetzt keine Post mehr, und offene Einladungen enden, weil es sie ' +
    'kennt. Was schon darauf liegt, bleibt dort: wer es hat, kann das lesen. Wurde es ' +
    'gestohlen, auch den Kontakten Bescheid geben.',
  removeNow: 'Dieses Gerät entfernen',
  removedNow: 'Das Gerät ist entfernt.',
  link: 'Gerät verbinden',
  linkHint: 'Auf dem neuen Gerät dies ausführen, oder den Code scannen:',
  linkCode: 'Code',
  linkQr: 'QR-Code für das neue Gerät',
  linkUntil: 'Gültig bis {time}',
  linkCompare: 'Zeigt {name} diese Zahl?',
  linkCompareHint: 'Nur bestätigen, wenn sie gleich ist. Sonst steht jemand zwischen den beiden.',
  linkSame: 'Sie ist gleich',
  linkOther: 'Es ist eine andere',
  linkSending: 'Das Konto wird gesendet: {sent} von {all}',
  linkDone: 'Das Gerät ist verbunden.',
  linkExpired: 'Der Code ist abgelaufen. Neu beginnen.',
  linkRefused: 'Das Verbinden wurde abgelehnt.',
  linkWaiting: 'Warten auf das neue Gerät',
  backups: 'Sicherung machen',
  backupHint:
    'Eine Datei mit dem ganzen Konto, aus der es auf einem anderen Rechner wieder ' +
    'entsteht. Ohne sie bringen die Wiederherstellungswörter Guthaben und Adresse ' +
    'zurück, aber weder Kontakte noch Post.',
  path: 'Datei auf diesem Rechner',
  pathHint: 'Ein ganzer Pfad, wie /home/me/account.backup. Die Datei muss neu sein.',
  lock: 'Geöffnet durch',
  locks: { words: 'Wiederherstellungswörter', passphrase: 'Eine eigene Passphrase' },
  passphrase: 'Passphrase',
  withMail: 'Mit allen Mails',
  write: 'Sicherung schreiben',
  writing: 'Die Sicherung wird geschrieben.',
  written: 'Die Sicherung ist geschrieben.',
  noPath: 'Die Datei angeben, und die Passphrase, wenn es eine geben soll.',
  automatic: 'Automatische Sicherungen',
  automaticOff: 'Es werden keine gemacht: backup.folder steht nicht in config.json.',
  automaticOn: 'Nach {folder}, {hours}; {kept}.',
  hours: { one: 'jede Stunde', other: 'alle {n} Stunden' },
  kept: { one: 'die neueste bleibt', other: 'die neuesten {n} bleiben' },
  lastMade: 'Zuletzt gemacht',
  noneMade: 'Keine, seit der Daemon läuft',
  lastError: 'Der letzte Versuch ist gescheitert: {code}',
  hooksHint:
    'Programme, denen neue Post gemeldet wird, wie Bots. Sie entstehen durch: tanglemail hook add',
  noHooks: 'Keinem Programm wird neue Post gemeldet.',
  hookFacts: '{folder}: {told} gemeldet, {failed} gescheitert',
  hookError: 'Letzter Fehler: {error}',
  hookRemove: 'Entfernen: {name}',
  hookRemoved: 'Ihm wird nichts mehr gemeldet.',
  allFolders: 'Alle Ordner',
  version: 'Version',
  network: 'Netz',
  node: 'Knoten',
  milestone: 'Neuester Milestone',
  unknown: 'unbekannt',
  mailAddress: 'Mailadresse',
  published: 'Adresse im Tangle',
  sequence: 'Fassung {sequence}, {state}',
  states: { none: 'nicht veröffentlicht', queued: 'unterwegs', confirmed: 'bestätigt' },
} satisfies Words['settings'];
