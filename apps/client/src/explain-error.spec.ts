import { describe, expect, it } from '@jest/globals';
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
import { ClientError } from './client-error.ts';
import { toClientError } from './explain-error.ts';
import { KeystoreError } from './keystore/keystore.ts';
import { SealedStoreError } from './store/sealed-store.ts';

describe('errors of the libraries in the client’s own words', () => {
  const known: readonly (readonly [Error, string])[] = [
    [new ClientError('busy'), 'busy'],
    [new NodeUnreachableError('timed-out', undefined), 'node-unreachable'],
    [new NodeApiError('queue-full', 503), 'node-refused'],
    [new NodeApiError('network-id-wrong', 400), 'network-mismatch'],
    [new ProofError({ ok: false, action: 'reject', code: 'proof-invalid' }), 'node-untrusted'],
    [new IssueError('timed-out', 'late'), 'confirmation-late'],
    [new WalletError('insufficient-funds', '1 of 2'), 'insufficient-funds'],
    [new WalletError('deposit-too-small', '1 of 2'), 'deposit-too-small'],
    [new WalletError('dust-change', '1 of 2'), 'dust-change'],
    [new WalletError('too-many-inputs', '129'), 'too-many-inputs'],
    [new WalletError('too-many-in-flight', '9'), 'busy'],
    [new WalletError('conflict', 'timelocked', 'timelocked'), 'transaction-conflict'],
    [new ProviderUnreachable('no'), 'provider-unreachable'],
    [new ProviderApiError(402, { code: 'payment-required' }), 'provider-refused'],
    [new ProviderFault('root-mismatch'), 'provider-refused'],
    [new MailError('message-too-large', ''), 'message-too-large'],
    [new MailError('link-invalid', ''), 'link-invalid'],
    [new MailError('address-checksum', ''), 'address-invalid'],
    [new MailError('sub-address-invalid', ''), 'address-invalid'],
    [new MailError('message-nul', ''), 'message-malformed'],
    [new KeystoreError('missing', ''), 'account-missing'],
    [new KeystoreError('exists', ''), 'account-exists'],
    [new KeystoreError('passphrase-wrong', ''), 'passphrase-wrong'],
    [new KeystoreError('damaged', ''), 'account-damaged'],
    [new SealedStoreError('broken'), 'store-damaged'],
    [new StoreError('corrupt'), 'store-damaged'],
    [new StoreError('locked'), 'daemon-running'],
    [new StoreError('wrong-network'), 'genesis-invalid'],
    [new StoreError('closed'), 'stopping'],
    [new StoreError('no-space'), 'internal'],
  ];
  it.each(known.map(([error, code]) => [`${error.name} ${error.message}`, error, code] as const))(
    '%s',
    (_name, error, code) => {
      expect(toClientError(error)?.code).toBe(code);
    },
  );

  it('shows amounts, and the reason of a conflict', () => {
    expect(toClientError(new WalletError('dust-change', '1 of 2'))?.detail).toBe('1 of 2');
    const conflict = new WalletError('conflict', 'x', 'timelocked');
    expect(toClientError(conflict)?.detail).toBe('timelocked');
  });

  it('passes on no text of a node', () => {
    const hostile = new NodeApiError('\u001b[2J you won', 400);
    expect(toClientError(hostile)?.message).toBe('the node refused the request');
  });

  it('leaves alone what nobody foresaw', () => {
    expect(toClientError(new RangeError('ours'))).toBeUndefined();
    expect(toClientError('text')).toBeUndefined();
  });
});
