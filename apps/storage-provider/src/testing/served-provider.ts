/**
 * A provider that serves its API on the loopback, and a customer with a channel, a mailbox and a
 * session. Not part of production.
 */
import { keyPair } from '@tanglemail/tangle/core/testing/ledger-fixtures.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { RunningApi } from '@tanglemail/tangle/io/shell/http.ts';
import { ProviderApiError } from '@tanglemail/mail/io/provider/errors.ts';
import { mailboxIdOf } from '@tanglemail/mail/core/market/signed-requests.ts';
import type { MailboxPolicy } from '@tanglemail/mail/core/market/mailbox.ts';
import type {
  ProviderClient,
  ProviderSession,
} from '@tanglemail/mail/io/provider/provider-client.ts';
import { createApi } from '../api/create-api.ts';
import type { Provider } from '../provider.ts';
import { FakeNode } from './fake-node.ts';
import { MemoryKv } from './memory-kv.ts';
import {
  openPurse,
  POLICY,
  signingKey,
  testClient,
  testConfig,
  testProvider,
  type TestPurse,
} from './world.ts';

export interface ServedOptions {
  /** Settings that differ from those of the specs. */
  readonly settings?: object;
  readonly policy?: MailboxPolicy;
  /** What the vouchers of the customer's channel may total. */
  readonly spendable?: bigint;
  /** What the mailbox begins with. */
  readonly credit?: bigint;
}

export interface ServedProvider {
  readonly node: FakeNode;
  readonly kv: MemoryKv;
  readonly provider: Provider;
  readonly api: RunningApi;
  readonly client: ProviderClient;
  readonly purse: TestPurse;
  readonly session: ProviderSession;
  /** A milestone with these payloads, `seconds` after the last one, that the provider reads. */
  readonly arrive: (payloads?: readonly Payload[], seconds?: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

export const OWNER = keyPair(30);
export const OWNER_ID = mailboxIdOf(OWNER.publicKey);

export async function serveProvider(options: ServedOptions = {}): Promise<ServedProvider> {
  const { settings = {}, policy = POLICY, spendable, credit = 2_000n } = options;
  const node = new FakeNode();
  node.confirm();
  const kv = new MemoryKv();
  const provider = testProvider(node, kv, testConfig(settings));
  await provider.feed.round();
  const api = await createApi(provider);
  const client = testClient(node, api.url);
  const purse = await openPurse(node, provider, 20, spendable);
  await provider.feed.round();
  await client.createMailbox(signingKey(OWNER), policy, credit, purse);
  const session = await client.login(signingKey(OWNER));
  const arrive = async (payloads: readonly Payload[] = [], seconds = 1): Promise<void> => {
    node.confirm(seconds, payloads);
    await provider.feed.round();
  };
  const close = async (): Promise<void> => {
    await api.close();
    await provider.stop();
  };
  return { node, kv, provider, api, client, purse, session, arrive, close };
}

/** The code with which a provider refuses. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ProviderApiError) return error.code;
    throw error;
  }
  return 'no refusal';
}
