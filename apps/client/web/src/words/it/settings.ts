/** What the settings say, in Italian. */
import type { Words } from '../en.ts';

export const settings = {
  pages: 'Impostazioni',
  general: 'Generali',
  privacy: 'Riservatezza',
  programs: 'Programmi di posta',
  devices: 'Dispositivi',
  backup: 'Backup',
  hooks: 'Hook',
  about: 'Informazioni',
  on: 'Sì',
  off: 'No',
  language: 'Lingua',
  languages: { en: 'English', it: 'Italiano', de: 'Deutsch' },
  theme: 'Tema',
  themes: { system: 'Come il sistema', light: 'Chiaro', dark: 'Scuro' },
  profile: 'Nome',
  profileName: 'Il tuo nome nelle mail',
  profileHint: 'Sta in ogni mail che scrivi; può essere vuoto. È pubblico.',
  browser: 'Questo browser',
  signOutHint:
    'Posta e portafoglio restano su questo dispositivo. Per tornare, apri un nuovo link con:',
  signOut: 'Disconnetti questo browser',
  strangers: 'Posta di sconosciuti',
  stamp: 'Lavoro chiesto a uno sconosciuto per ogni mail',
  stamps: {
    '0': 'Nessuno',
    '16': 'Poco',
    '20': 'Normale',
    '22': 'Quattro volte tanto',
    '24': 'Sedici volte tanto',
  },
  stampOwn: '{n} bit',
  stampHint:
    'Il lavoro normale prende mezzo secondo di un telefono. A uno sconosciuto onesto ' +
    'non costa altro, e rende caro un milione di mail indesiderate. Più lavoro tiene ' +
    'lontani di più, anche chi ha un telefono debole. Contatti e inviti non lo fanno ' +
    'mai.',
  contactsOnly: 'Possono scrivermi solo contatti e invitati',
  contactsOnlyHint:
    'La posta di sconosciuti allora non viene ascoltata e non si ritrova più. A ' +
    'nessuno si dice che non è stato ascoltato.',
  receipts: 'Ricevute',
  receiptsHint:
    'Una ricevuta costa una piccola mail con la sua prova di lavoro, e dice all’altro ' +
    'circa quando questo dispositivo era acceso. Queste stanno in config.json del ' +
    'daemon:',
  receiptsAsk: 'Chiedere ricevute agli altri',
  receiptsDelivery: 'Dire che una mail è stata ritirata',
  deliveryTo: {
    never: 'A nessuno',
    contacts: 'Ai contatti che lo chiedono',
    always: 'A chiunque lo chieda',
  },
  receiptsRead: 'Dire che una mail è stata letta',
  receiptsDelay: 'Aspettare prima di dirlo, fino a',
  seconds: { one: '{n} secondo', other: '{n} secondi' },
  finding: 'Come si trova la posta',
  findingHint: 'Ogni via mostra qualcosa a qualcuno. Stanno in config.json come mail.find.',
  ways: { tags: 'Tag', buckets: 'Bucket', filters: 'Filtri' },
  wayHints: {
    tags:
      'Ai provider affittati si dice quali tag cercare. Ognuno impara quanta posta ' +
      'arriva sotto quale tag e quando, non chi l’ha scritta. Circa 3 kB al giorno.',
    buckets:
      'I provider affittati custodiscono ciò che degli sconosciuti possono averti ' +
      'inviato, tra la posta di altri. Imparano quanta ne viene presa.',
    filters:
      'Non si dice nulla a nessuno: si leggono dai nodi i filtri di tutta la posta e ' +
      'si cerca qui. Un nodo impara solo quando questo dispositivo era assente e quali ' +
      'milestone prende. 79 kB al giorno ogni 1.000 utenti della rete.',
  },
  push: 'I provider avvisano subito di nuova posta',
  pushHint: 'Vedono quando questo dispositivo è acceso. Altrimenti li si chiede ogni pochi minuti.',
  filterState:
    'Filtri letti fino alla milestone {next}; {mails} mail trovate, {falseHits} falsi positivi',
  programsHint:
    'Ogni programma di posta su questa macchina può usare l’account. Si collega a ' +
    'queste porte, con una password propria.',
  host: 'Server',
  user: 'Nome utente',
  door: '{protocol}, {tls}',
  tls: { implicit: 'TLS', starttls: 'STARTTLS' },
  port: 'Porta',
  fingerprint: 'Impronta del certificato (SHA-256)',
  certificate: 'Salva il certificato',
  noDoors: 'Nessuna porta è aperta: bridge.protocols in config.json è vuoto.',
  passwords: 'Password dei programmi',
  noPasswords: 'Nessun programma ha ancora una password.',
  programName: 'Nome del programma',
  make: 'Crea una password',
  made: 'Password per {name}',
  madeHint: 'Si vede solo questa volta. Copiala ora nel programma.',
  password: 'Password',
  passwordQr: 'Codice QR della password',
  usedLast: 'Ultimo uso {time}',
  neverUsed: 'Mai usata',
  revoke: 'Revoca: {name}',
  revoked: '{name} non può più entrare.',
  devicesHint: 'Ogni dispositivo ha tutto l’account. Uno di loro paga le caselle.',
  thisDevice: 'Questo dispositivo',
  paying: 'Paga',
  forked: 'Ne scrivono due copie: collegalo di nuovo',
  removed: 'Tolto',
  pay: 'Fai pagare questo dispositivo',
  payDone: 'Da ora paga questo dispositivo.',
  remove: 'Togli: {name}',
  removeTitle: 'Togliere {name}?',
  removeHint:
    'Da ora non riceve più posta, e gli inviti aperti finiscono, perché li conosce. ' +
    'Ciò che ha già resta lì: chi lo ha in mano può leggerlo. Se è stato rubato, ' +
    'avvisa anche i contatti.',
  removeNow: 'Togli questo dispositivo',
  removedNow: 'Il dispositivo è stato tolto.',
  link: 'Collega un dispositivo',
  linkHint: 'Sul nuovo dispositivo esegui questo, o inquadra il codice:',
  linkCode: 'Codice',
  linkQr: 'Codice QR per il nuovo dispositivo',
  linkUntil: 'Valido fino a {time}',
  linkCompare: '{name} mostra questo numero?',
  linkCompareHint: 'Conferma solo se è uguale. Altrimenti qualcuno sta in mezzo ai due.',
  linkSame: 'È uguale',
  linkOther: 'È un altro',
  linkSending: 'Invio dell’account: {sent} di {all}',
  linkDone: 'Il dispositivo è collegato.',
  linkExpired: 'Il codice è scaduto. Ricomincia.',
  linkRefused: 'Il collegamento è stato rifiutato.',
  linkWaiting: 'In attesa del nuovo dispositivo',
  backups: 'Fai un backup',
  backupHint:
    'Un file con tutto l’account, da cui si rifà su un’altra macchina. Senza, la frase ' +
    'di recupero riporta portafoglio e indirizzo, ma né contatti né posta.',
  path: 'File su questa macchina',
  pathHint: 'Un percorso intero, come /home/me/account.backup. Il file dev’essere nuovo.',
  lock: 'Si apre con',
  locks: { words: 'La frase di recupero', passphrase: 'Una passphrase propria' },
  passphrase: 'Passphrase',
  withMail: 'Con tutte le mail',
  write: 'Scrivi il backup',
  writing: 'Il backup è in scrittura.',
  written: 'Il backup è scritto.',
  noPath: 'Indica il file, e la passphrase se deve esserci.',
  automatic: 'Backup automatici',
  automaticOff: 'Non se ne fanno: backup.folder non è impostato in config.json.',
  automaticOn: 'In {folder}, {hours}; {kept}.',
  hours: { one: 'ogni ora', other: 'ogni {n} ore' },
  kept: { one: 'si tiene il più recente', other: 'si tengono i {n} più recenti' },
  lastMade: 'Ultimo fatto',
  noneMade: 'Nessuno da quando è partito il daemon',
  lastError: 'L’ultimo tentativo è fallito: {code}',
  hooksHint: 'Programmi avvisati di nuova posta, come i bot. Si creano con: tanglemail hook add',
  noHooks: 'Nessun programma viene avvisato di nuova posta.',
  hookFacts: '{folder}: {told} avvisi, {failed} falliti',
  hookError: 'Ultimo errore: {error}',
  hookRemove: 'Togli: {name}',
  hookRemoved: 'Non viene più avvisato di nulla.',
  allFolders: 'Tutte le cartelle',
  version: 'Versione',
  network: 'Rete',
  node: 'Nodo',
  milestone: 'Ultima milestone',
  unknown: 'non nota',
  mailAddress: 'Indirizzo di posta',
  published: 'Indirizzo nel tangle',
  sequence: 'Versione {sequence}, {state}',
  states: { none: 'non pubblicato', queued: 'in viaggio', confirmed: 'confermato' },
} satisfies Words['settings'];
