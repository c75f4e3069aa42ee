/**
 * Paying from a channel: answers the challenge of a 402 with a voucher and repeats the request
 * until it is served. Every voucher is saved before it leaves, so that a crash never makes the
 * client forget what it has promised. Spec: docs/spec/31-channel-voucher.md, section "Paying".
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { nextCumulative, noteAcknowledged, noteSigned } from '../../core/market/channel-states.ts';
import type { ClientChannel } from '../../core/market/channel-states.ts';
import type { MarketTimes } from '../../core/market/constants.ts';
import { claimableMax } from '../../core/market/voucher-rules.ts';
import { ProviderApiError, ProviderFault } from './errors.ts';
import { problemOf } from './http.ts';
import type { Answer } from './http.ts';
import {
  PAYMENT_REQUEST,
  formatCredential,
  fromCompactJson,
  parseChallenge,
} from './payment-auth.ts';

/** Where the client keeps its channel with one provider, and the key that signs for it. */
export interface ChannelPurse {
  /** The present record. */
  channel(): ClientChannel;
  /** Makes the record durable; resolves when it is on disk. */
  save(channel: ClientChannel): Promise<void>;
  readonly payerPublicKey: Uint8Array;
  /** Ed25519 signature by the channel key. */
  sign(message: Uint8Array): Uint8Array;
}

export interface PayContext {
  readonly networkId: bigint;
  readonly bondId: string;
  /** Present ledger time, unix seconds. */
  readonly ledgerTime: number;
  readonly times: MarketTimes;
  readonly verifier: Verifier;
  /** The most that this call may spend; a challenge that asks for more is refused. */
  readonly maxAmount: bigint;
}

/** Repetitions: a stale total, a changed price and an expired challenge may each cost one. */
const MAX_ATTEMPTS = 4;

/**
 * Runs `send` without payment, then with a voucher for each challenge it meets. `send` gets the
 * value of the Authorization header. Throws ProviderApiError when the provider refuses to the end.
 */
export async function payAndSend(
  send: (authorization?: string) => Promise<Answer>,
  purse: ChannelPurse,
  context: PayContext,
): Promise<Answer> {
  let answer = await send();
  let isFirst = true;
  for (let attempt = 0; answer.status === 402 && attempt < MAX_ATTEMPTS; attempt += 1) {
    const problem = problemOf(answer);
    await learnAccepted(problem, purse, context);
    const paid = await payChallenge(answer, purse, context, isFirst);
    isFirst = false;
    answer = await send(paid.authorization);
    if (answer.status < 400) {
      await purse.save(noteAcknowledged(purse.channel(), paid.cumulative));
    }
  }
  if (answer.status >= 400) throw problemOf(answer);
  return answer;
}

/** A provider that holds a higher voucher shows it; it counts only with our own signature. */
async function learnAccepted(
  error: ProviderApiError,
  purse: ChannelPurse,
  context: PayContext,
): Promise<void> {
  const { voucher } = error.problem;
  const channel = purse.channel();
  if (voucher === undefined || channel.channelId === undefined) return;
  const cumulative = BigInt(voucher.cumulative);
  const message = voucherMessage(context.networkId, channel.channelId, cumulative);
  const signature = hexToBytes(voucher.signature);
  if (!context.verifier.verify(purse.payerPublicKey, message, signature)) return;
  await purse.save(noteAcknowledged(noteSigned(channel, cumulative), cumulative));
}

async function payChallenge(
  answer: Answer,
  purse: ChannelPurse,
  context: PayContext,
  isFirst: boolean,
): Promise<{ readonly authorization: string; readonly cumulative: bigint }> {
  const challenge = parseChallenge(answer.headers.get('www-authenticate') ?? '');
  const request = challenge && fromCompactJson(challenge.request, PAYMENT_REQUEST);
  if (!challenge || !request) throw new ProviderFault('answer-malformed');
  const { methodDetails } = request;
  const isOurs =
    methodDetails.networkId === `${context.networkId}` && methodDetails.bondId === context.bondId;
  const amount = BigInt(request.amount);
  if (!isOurs || amount > context.maxAmount) throw problemOf(answer);
  const channel = purse.channel();
  const { channelId } = channel;
  const next = nextCumulative(channel, amount, context);
  if (!next.ok || channelId === undefined || next.value > claimableMax(channel)) {
    throw problemOf(answer);
  }
  const cumulative = next.value;
  await purse.save(noteSigned(channel, cumulative));
  const signature = purse.sign(voucherMessage(context.networkId, channelId, cumulative));
  const action = isFirst && channel.acknowledged === 0n ? 'open' : 'voucher';
  const payload = {
    action,
    channelId,
    cumulativeAmount: `${cumulative}`,
    signature: bytesToHex(signature),
  } as const;
  return { authorization: formatCredential({ challenge, payload }), cumulative };
}
