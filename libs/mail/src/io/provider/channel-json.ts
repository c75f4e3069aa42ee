/**
 * A payer's channel as JSON, for the client's encrypted store and its backups: amounts are decimal
 * strings. Spec: docs/spec/31-channel-voucher.md.
 */
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { z } from 'zod';
import type { ClientChannel } from '../../core/market/channel-states.ts';
import { hex } from './dto.ts';

const amount = z.string().regex(/^(0|[1-9][0-9]{0,19})$/);

const CLIENT_CHANNEL = z.strictObject({
  state: z.enum(['draft', 'sent', 'open', 'closing', 'closed', 'expired', 'refunded']),
  bondId: hex(32),
  keyIndex: z.int().min(0),
  channelId: hex(34).optional(),
  amount,
  reserve: amount,
  expiry: z.int().min(0),
  signed: amount,
  acknowledged: amount,
});

export type ClientChannelJson = z.infer<typeof CLIENT_CHANNEL>;

export function channelToJson(channel: ClientChannel): ClientChannelJson {
  const { amount: deposit, reserve, signed, acknowledged, ...rest } = channel;
  return {
    ...rest,
    amount: `${deposit}`,
    reserve: `${reserve}`,
    signed: `${signed}`,
    acknowledged: `${acknowledged}`,
  };
}

/** Throws a ZodError when `json` is not what `channelToJson` wrote. */
export function channelFromJson(json: unknown): ClientChannel {
  const {
    channelId,
    amount: deposit,
    reserve,
    signed,
    acknowledged,
    ...rest
  } = CLIENT_CHANNEL.parse(json);
  return {
    ...rest,
    ...(channelId === undefined ? {} : { channelId: channelId as OutputId }),
    amount: BigInt(deposit),
    reserve: BigInt(reserve),
    signed: BigInt(signed),
    acknowledged: BigInt(acknowledged),
  };
}
