/**
 * Makes the envelope of a line of chat under a chain: the number that it uses, the sealed bytes and
 * the outbox's entry are one batch, so no key is ever used twice. Before: outbox.ts; after:
 * sending-book.ts. Spec: docs/spec/24-chain.md section 6.
 */
import { z } from 'zod';
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { utf8ToBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import type { Descriptor } from '@tanglemail/mail/core/identity/descriptor.ts';
import { letterIdFromBytes } from '@tanglemail/mail/core/letter/content.ts';
import { PADDED_SIZES } from '@tanglemail/mail/core/limits.ts';
import { segmentRoot } from '@tanglemail/mail/core/market/segment-tree.ts';
import type { DescriptorResolver } from '../descriptor/resolver.ts';
import { type EnvelopeSealer, SealingRefused, type SealStep } from '../outbox/sealer.ts';
import type { OutboxEntry } from '../store/outbox-collections.ts';
import { orderedKey, type SealedStore } from '../store/sealed-store.ts';
import type { SendingBook } from './sending-book.ts';

const payloadForm = z.strictObject({
  chainId: z.string().length(32),
  sentAt: z.int().min(0),
  message: z.string(),
});

/** What waits in the outbox until it is sealed. */
export interface ChatPayload {
  readonly chainId: string;
  /** Unix seconds. */
  readonly sentAt: number;
  readonly message: Uint8Array;
}

export function encodeChatPayload({ chainId, sentAt, message }: ChatPayload): Uint8Array {
  return utf8ToBytes(JSON.stringify({ chainId, sentAt, message: bytesToHex(message) }));
}

function decodeChatPayload(bytes: Uint8Array): ChatPayload {
  const value = payloadForm.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return { ...value, message: hexToBytes(value.message) };
}

export interface ChatSealerDeps {
  readonly store: SealedStore;
  readonly resolver: Pick<DescriptorResolver, 'resolve'>;
  readonly sending: SendingBook;
}

export class ChatSealer implements EnvelopeSealer {
  readonly #deps: ChatSealerDeps;

  constructor(deps: ChatSealerDeps) {
    this.#deps = deps;
  }

  async prepare(entry: OutboxEntry): Promise<SealStep> {
    const audience = entry.audience ?? [entry.to];
    const found = await Promise.all(audience.map((one) => this.#deps.resolver.resolve(one)));
    return (batch) => this.#seal(batch, entry, found);
  }

  #seal(
    batch: Parameters<SealStep>[0],
    entry: OutboxEntry,
    recipients: readonly (Descriptor | undefined)[],
  ): ReturnType<SealStep> {
    const { store, sending } = this.#deps;
    const payload = store.getBytes('outboxPayload', orderedKey(entry.id));
    if (payload === undefined) throw new Error('broken invariant: a queued line has its text');
    const { chainId, sentAt, message } = decodeChatPayload(payload);
    const letterId = letterIdFromBytes(hexToBytes(entry.letterId));
    const limits = recipients.map((one) => one?.maxEnvelope ?? Number.POSITIVE_INFINITY);
    const maxEnvelope = Math.min(PADDED_SIZES.at(-1) ?? 0, ...limits);
    const sealed = sending.seal(batch, chainId, { letterId, sentAt, message }, maxEnvelope);
    if (sealed === undefined) {
      throw new SealingRefused('chain-gone', 'the chain is over; a letter goes instead', true);
    }
    const { outcome, apply } = sealed;
    if (!outcome.ok) throw new SealingRefused(outcome.code, outcome.detail ?? outcome.code, true);
    const { bytes } = outcome.value;
    batch.putBytes('outboxEnvelope', orderedKey(entry.id), bytes);
    const audience = entry.audience ?? [entry.to];
    const deliveries = audience.flatMap((to, at) =>
      (recipients[at]?.providers ?? []).map(
        ({ bondId, endpoint }): OutboxEntry['deliveries'][number] => {
          return { bondId: bytesToHex(bondId), endpoint, to, state: 'waiting' };
        },
      ),
    );
    return {
      sealed: {
        root: bytesToHex(segmentRoot(bytes)),
        envelopeBytes: bytes.length,
        tagKind: 'chain',
        isReducedSecrecy: false,
        deliveries,
      },
      apply,
    };
  }
}
