/** What the form of a backup asks of the daemon. */
export type BackupLock = 'words' | 'passphrase';

export interface BackupChoices {
  readonly path: string;
  readonly lock: BackupLock;
  readonly passphrase: string;
  readonly withMail: boolean;
}

export interface BackupRequest {
  readonly path: string;
  readonly passphrase?: string;
  readonly forWords?: true;
  readonly withMail: boolean;
}

/** Undefined while the file, or the passphrase that it shall have, is missing. */
export function backupRequest(choices: BackupChoices): BackupRequest | undefined {
  const { lock, passphrase, withMail } = choices;
  const path = choices.path.trim();
  if (path === '') return undefined;
  if (lock === 'words') return { path, forWords: true, withMail };
  return passphrase === '' ? undefined : { path, passphrase, withMail };
}
