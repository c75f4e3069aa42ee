/**
 * Turns the errors of the libraries into the client's own table, so that whatever fails below the
 * local API reaches the user with a code and an advice. Before: every part of the client; after:
 * api/problem.ts. Spec: docs/spec/41-client-api.md, "Errors".
 */
import { MailError } from '@tanglemail/mail/io/mail-error.ts';
import {
  ProviderApiError,
  ProviderFault,
  ProviderUnreachable,
} from '@tanglemail/mail/io/provider/errors.ts';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { IssueError } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeApiError, NodeUnreachableError } from '@tanglemail/tangle/io/node-client/errors.ts';
import { ProofError } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { WalletError } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { ClientError, type ClientErrorCode } from './client-error.ts';
import { KeystoreError, type KeystoreErrorCode } from './keystore/keystore.ts';
import { SealedStoreError } from './store/sealed-store.ts';

/** Codes of the wallet library that the user can do something about. */
const WALLET_CODES: Readonly<Partial<Record<string, ClientErrorCode>>> = {
  'insufficient-funds': 'insufficient-funds',
  'deposit-too-small': 'deposit-too-small',
  'dust-change': 'dust-change',
  'too-many-inputs': 'too-many-inputs',
  'too-many-in-flight': 'busy',
  conflict: 'transaction-conflict',
};

const KEYSTORE_CODES: Readonly<Record<KeystoreErrorCode, ClientErrorCode>> = {
  missing: 'account-missing',
  exists: 'account-exists',
  'passphrase-wrong': 'passphrase-wrong',
  damaged: 'account-damaged',
};

/** Codes of the mail library about what a user wrote. */
const MAIL_CODES: Readonly<Partial<Record<string, ClientErrorCode>>> = {
  'message-too-large': 'message-too-large',
  'link-invalid': 'link-invalid',
};

const CODE = /^[a-z0-9-]{1,64}$/;

/** The client's error for `error`; undefined for what nobody foresaw. */
export function toClientError(error: unknown): ClientError | undefined {
  if (error instanceof ClientError) return error;
  const options = { cause: error };
  if (error instanceof NodeUnreachableError) {
    return new ClientError('node-unreachable', error.reason, options);
  }
  if (error instanceof NodeApiError) {
    const isForeign = error.code === 'network-id-wrong';
    const code = isForeign ? 'network-mismatch' : 'node-refused';
    // The node may say anything in place of a code.
    return new ClientError(code, CODE.test(error.code) ? error.code : undefined, options);
  }
  if (error instanceof ProofError) return new ClientError('node-untrusted', error.code, options);
  if (error instanceof IssueError) return new ClientError('confirmation-late', error.code, options);
  if (error instanceof WalletError) return fromWallet(error);
  if (error instanceof ProviderUnreachable) return new ClientError('provider-unreachable');
  if (error instanceof ProviderApiError || error instanceof ProviderFault) {
    return new ClientError('provider-refused', error.code, options);
  }
  if (error instanceof MailError) return fromMail(error.code, options);
  if (error instanceof KeystoreError) {
    return new ClientError(KEYSTORE_CODES[error.code], undefined, options);
  }
  if (error instanceof SealedStoreError)
    return new ClientError('store-damaged', undefined, options);
  if (error instanceof StoreError) return fromStore(error);
  return undefined;
}

function fromWallet(error: WalletError): ClientError {
  const code = WALLET_CODES[error.code] ?? 'internal';
  return new ClientError(code, error.conflict ?? detailOf(error), { cause: error });
}

/** What stands behind the code in the library's message: amounts, never text of others. */
function detailOf(error: WalletError): string {
  return error.message.replace(`${error.code}: `, '');
}

function fromMail(code: string, options: ErrorOptions): ClientError {
  if (code.startsWith('address-') || code === 'sub-address-invalid') {
    return new ClientError('address-invalid', code, options);
  }
  const known = MAIL_CODES[code];
  return known === undefined
    ? new ClientError('message-malformed', code, options)
    : new ClientError(known, undefined, options);
}

function fromStore(error: StoreError): ClientError {
  const options = { cause: error };
  if (error.code === 'corrupt') return new ClientError('store-damaged', undefined, options);
  if (error.code === 'locked') return new ClientError('daemon-running', undefined, options);
  if (error.code === 'wrong-network')
    return new ClientError('genesis-invalid', error.code, options);
  if (error.code === 'closed') return new ClientError('stopping', undefined, options);
  return new ClientError('internal', error.code, options);
}
