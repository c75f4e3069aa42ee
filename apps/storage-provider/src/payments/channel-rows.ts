/**
 * Channels and claims in the provider's store. Before: credit-desk.ts, claim-scheduler.ts.
 */
import { outputIdFromBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutputId, TransactionId } from '@tanglemail/tangle/core/codec/ids.ts';
import { isUnsettled } from '@tanglemail/mail/core/market/channel-states.ts';
import type { ProviderChannel } from '@tanglemail/mail/core/market/voucher-rules.ts';
import { idKey, rangeOf } from '../store/buckets.ts';
import type { GroupStore, StoreTransaction, StoreView } from '../store/group-store.ts';
import { decodeRecord } from '../store/records.ts';
import { readRecord, writeRecord } from '../store/rows.ts';

/** What a voucher paid for: the answer to the same voucher shown again. */
export interface CreditAnswer {
  readonly mailboxId: string;
  readonly balance: string;
  readonly credited: string;
}

export interface ChannelRecord {
  readonly channel: ProviderChannel;
  /** Purpose and answer of the highest voucher. */
  readonly last?: { readonly purpose: string; readonly answer: CreditAnswer };
  /** The claim transaction that is on its way. */
  readonly claimId?: TransactionId;
}

/** A claim transaction until it is confirmed; a restart goes on from here. */
export interface ClaimRecord {
  readonly transactionId: TransactionId;
  /** The payload's bytes: the same transaction is attached again in a new block. */
  readonly payload: Uint8Array;
  readonly channelIds: readonly OutputId[];
  /** Block that carries it, 64 hex digits; empty before the first attachment. */
  readonly blockId: string;
  /** Wall clock of the last attachment. */
  readonly attachedAtMs: number;
}

export function readChannel(view: StoreView, channelId: OutputId): ChannelRecord | undefined {
  return readRecord(view, idKey('channel', channelId)) as ChannelRecord | undefined;
}

/** Writes a channel and keeps the list of those that a claim may still be needed for. */
export function writeChannel(transaction: StoreTransaction, record: ChannelRecord): void {
  const listed = idKey('unsettled', record.channel.channelId);
  if (isUnsettled(record.channel)) transaction.put(listed, new Uint8Array(0));
  else transaction.del(listed);
  writeRecord(transaction, idKey('channel', record.channel.channelId), record);
}

export function readClaim(view: StoreView, id: TransactionId): ClaimRecord | undefined {
  return readRecord(view, idKey('claim', id)) as ClaimRecord | undefined;
}

export function writeClaim(transaction: StoreTransaction, claim: ClaimRecord): void {
  writeRecord(transaction, idKey('claim', claim.transactionId), claim);
}

export function deleteClaim(transaction: StoreTransaction, id: TransactionId): void {
  transaction.del(idKey('claim', id));
}

/** Claims that are still on their way, from disk. */
export async function pendingClaims(store: GroupStore): Promise<ClaimRecord[]> {
  const { gte, lt } = rangeOf('claim');
  const found = await store.scan(gte, lt, 10_000);
  return found.map(([, value]) => decodeRecord(value) as ClaimRecord);
}

/** The channels that are not settled, page by page. */
export async function* unsettledChannels(store: GroupStore): AsyncGenerator<ChannelRecord> {
  const PAGE = 1_000;
  const { gte: first, lt } = rangeOf('unsettled');
  let gte = first;
  for (;;) {
    const page = await store.scan(gte, lt, PAGE);
    for (const [key] of page) {
      const record = readChannel(store, outputIdFromBytes(key.subarray(1)));
      if (record) yield record;
    }
    const last = page.at(-1);
    if (page.length < PAGE || !last) return;
    gte = Uint8Array.of(...last[0], 0);
  }
}
