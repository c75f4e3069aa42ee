/**
 * The data folder of an account: what lies where.
 * Spec: docs/spec/41-client-api.md, "Data folder".
 */
import { join } from 'node:path';

/** Paths inside a data folder. */
export interface DataFolder {
  readonly path: string;
  /** The sealed secrets; an account exists exactly when this file does. */
  readonly keystore: string;
  /** The genesis document that the account trusts. */
  readonly genesis: string;
  /** Settings of this account. */
  readonly config: string;
  readonly store: string;
  /** Where the daemon listens, while it runs. */
  readonly daemon: string;
  /** The certificate that mail programs are told to trust. */
  readonly bridgeCertificate: string;
  /** The local API's unix socket, if the settings ask for one. */
  readonly socket: string;
}

export function dataFolder(path: string): DataFolder {
  return {
    path,
    keystore: join(path, 'keystore.json'),
    genesis: join(path, 'genesis.json'),
    config: join(path, 'config.json'),
    store: join(path, 'store'),
    daemon: join(path, 'daemon.json'),
    bridgeCertificate: join(path, 'bridge-ca.pem'),
    socket: join(path, 'api.sock'),
  };
}
