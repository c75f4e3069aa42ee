/**
 * A payer who speaks the provider's HTTP by hand: a key with tokens, channels on the ledger, and
 * requests with whatever voucher a test wants to show. Uses no client of the provider's API, so
 * that what goes over the wire is what stands here.
 */
import { createHash } from 'node:crypto';
import {
  addressFromBytes,
  bytesToHex,
  hexToBytes,
  outputIdOf,
  type OutputId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { networkIdOf } from '@tanglemail/tangle/core/codec/genesis.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import {
  nobleVerifier,
  publicKeyOf,
  signEd25519,
} from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import { PowPool } from '@tanglemail/tangle/io/accel/pow-pool.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import {
  loginMessage,
  mailboxIdOf,
  mailboxMessage,
} from '@tanglemail/mail/core/market/signed-requests.ts';
import { decodeOffer, type Offer } from '@tanglemail/mail/core/market/offer.ts';

const CLOCK = { nowMs: (): number => Date.now() };
const DAY_SECONDS = 86_400;
/** Base units in each channel. */
export const CHANNEL_AMOUNT = 1_000_000n;

/** One answer of the provider. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly challenge: Record<string, string> | undefined;
}

export interface Channel {
  readonly channelId: OutputId;
  readonly secretKey: Uint8Array;
}

function digestOf(seed: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(seed).digest());
}

export class Payer {
  readonly #provider: string;
  readonly #wallet: Wallet;
  readonly #pow: PowPool;
  readonly #networkId: bigint;
  readonly #secretKey: Uint8Array;
  readonly #offer: Offer;

  private constructor(
    provider: string,
    parts: { wallet: Wallet; pow: PowPool; networkId: bigint; secretKey: Uint8Array },
    offer: Offer,
  ) {
    this.#provider = provider;
    this.#wallet = parts.wallet;
    this.#pow = parts.pow;
    this.#networkId = parts.networkId;
    this.#secretKey = parts.secretKey;
    this.#offer = offer;
  }

  /** A payer with tokens of the faucet. `name` makes the key: another name, another person. */
  static async open(
    urls: { node: string; faucet: string; provider: string },
    name: string,
  ): Promise<Payer> {
    const node = new NodeClient({ baseUrl: urls.node });
    const genesis = await node.genesis();
    const { params } = genesis;
    const networkId = networkIdOf(genesis, nobleHasher);
    const secretKey = digestOf(`payer ${name}`);
    const verifier = nobleVerifier;
    const hasher = nobleHasher;
    const light = LightClient.fromGenesis(genesis, { hasher, verifier });
    const checker = new ProofChecker(light, { hasher, clock: CLOCK, client: node });
    const pow = new PowPool({ threads: 1 });
    const deps = { node, proofOfWork: pow, checker, hasher };
    const issuer = new BlockIssuer({ networkId, params, pollMs: 100 }, deps);
    const wallet = new Wallet({ networkId, params }, { ...deps, issuer, clock: CLOCK });
    const address = addressFromBytes(hasher.blake2b256(publicKeyOf(secretKey)));
    const response = await fetch(`${urls.faucet}/api/faucet/v1/requests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ address }),
    });
    const { blockId } = (await response.json()) as { blockId: string };
    if (response.status !== 202) throw new Error(`the faucet answered ${response.status}`);
    for (const deadline = Date.now() + 30_000; ;) {
      if ((await wallet.balance(address)) > 0n) break;
      if (Date.now() > deadline) throw new Error(`the faucet’s block ${blockId} pays nothing`);
    }
    const offer = await offerOf(urls.provider);
    return new Payer(urls.provider, { wallet, pow, networkId, secretKey }, offer);
  }

  /** Opens a channel to the provider on the ledger; resolves when it is final. */
  async openChannel(name: string, lifeSeconds = 60 * DAY_SECONDS): Promise<Channel> {
    const secretKey = digestOf(`channel ${name}`);
    const payerPublicKey = publicKeyOf(secretKey);
    const { transactionId, transaction } = await this.#wallet.sendTransaction({
      from: [this.#secretKey],
      outputs: [
        {
          kind: 'channel',
          amount: CHANNEL_AMOUNT,
          payerPublicKey,
          payee: this.#offer.payee,
          refundAddress: this.#wallet.addressOf(this.#secretKey),
          expiry: Math.floor(Date.now() / 1_000) + lifeSeconds,
        },
      ],
    });
    const index = transaction.outputs.findIndex((one) => one.kind === 'channel');
    return { channelId: outputIdOf(transactionId, index), secretKey };
  }

  /** The signature of a voucher over `cumulative`, as hex. */
  sign({ channelId, secretKey }: Channel, cumulative: bigint): string {
    return bytesToHex(
      signEd25519(secretKey, voucherMessage(this.#networkId, channelId, cumulative)),
    );
  }

  /**
   * Asks for the creation of a mailbox, meets the 402, and shows the voucher. Resolves with the
   * answer to the voucher.
   */
  async createMailbox(name: string, channel: Channel, amount: bigint): Promise<Answer> {
    const key = digestOf(`mailbox ${name}`);
    const mailboxId = mailboxIdOf(publicKeyOf(key));
    const scope = { networkId: this.#networkId, bondId: this.#offer.bondId };
    const body = {
      publicKey: bytesToHex(publicKeyOf(key)),
      signature: bytesToHex(signEd25519(key, mailboxMessage(scope, mailboxId))),
      policy: {
        maxObject: 24_576,
        retentionDays: 7,
        maxDebitPerDay: '1000000',
        unsolicited: true,
      },
      amount: `${amount}`,
    };
    const voucher = { channel, cumulative: amount, signature: this.sign(channel, amount) };
    return await this.pay('/v1/mailboxes', body, voucher);
  }

  /** Credits the mailbox with `amount` by a voucher over `cumulative` with any signature. */
  async credit(
    name: string,
    amount: bigint,
    voucher: { channel: Channel; cumulative: bigint; signature: string },
  ): Promise<Answer> {
    const mailboxId = mailboxIdOf(publicKeyOf(digestOf(`mailbox ${name}`)));
    return await this.pay(`/v1/mailboxes/${mailboxId}/credit`, { amount: `${amount}` }, voucher);
  }

  /** Sends the request once to get its challenge, then with the voucher. */
  async pay(
    path: string,
    body: object,
    voucher: { channel: Channel; cumulative: bigint; signature: string },
  ): Promise<Answer> {
    const once = bytesToHex(crypto.getRandomValues(new Uint8Array(16)));
    const first = await this.send('POST', path, body, { 'idempotency-key': once });
    if (first.status !== 402 || first.challenge === undefined) return first;
    const credential = {
      challenge: first.challenge,
      payload: {
        action: 'voucher',
        channelId: voucher.channel.channelId,
        cumulativeAmount: `${voucher.cumulative}`,
        signature: voucher.signature,
      },
    };
    const token = Buffer.from(JSON.stringify(credential)).toString('base64url');
    const authorization = `Payment ${token}`;
    return await this.send('POST', path, body, { 'idempotency-key': once, authorization });
  }

  /** Logs in to a mailbox. */
  async login(name: string): Promise<{ mailboxId: string; token: string }> {
    const key = digestOf(`mailbox ${name}`);
    const mailboxId = mailboxIdOf(publicKeyOf(key));
    const scope = { networkId: this.#networkId, bondId: this.#offer.bondId };
    const { body } = await this.send('POST', '/v1/sessions', { mailboxId });
    const nonce = hexToBytes(String(body['nonce']));
    const signature = bytesToHex(signEd25519(key, loginMessage(scope, mailboxId, nonce)));
    const proof = { mailboxId, nonce: bytesToHex(nonce), signature };
    const second = await this.send('POST', '/v1/sessions', proof);
    return { mailboxId, token: String(second.body['token']) };
  }

  async send(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.#provider}${path}`, {
      method,
      headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const header = response.headers.get('www-authenticate') ?? '';
    const pairs = [...header.matchAll(/([a-z]+)="([^"]*)"/g)];
    const challenge = Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
      challenge: pairs.length === 0 ? undefined : challenge,
    };
  }

  async close(): Promise<void> {
    await this.#pow.close();
  }
}

/** The provider's offer, once it has one. */
async function offerOf(provider: string): Promise<Offer> {
  for (const deadline = Date.now() + 30_000; ;) {
    const response = await fetch(`${provider}/v1/offer`, {
      headers: { accept: 'application/json' },
    });
    const { offer = '' } = (await response.json()) as { offer?: string };
    const decoded = decodeOffer(hexToBytes(offer));
    if (response.ok && decoded.ok) return decoded.value;
    if (Date.now() > deadline) throw new Error(`the provider has no offer: ${response.status}`);
  }
}
