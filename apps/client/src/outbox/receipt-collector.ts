/**
 * Asks a recipient's providers for their receipts: those that its descriptor names now, since it
 * may have moved while the mail was on its way. Before: outbox.ts; after: the providers.
 * Spec: docs/spec/42-delivery.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { ProviderHint } from '@tanglemail/mail/core/identity/descriptor.ts';
import { encodeReceipt } from '@tanglemail/mail/core/market/receipt.ts';
import type { ProviderClient } from '@tanglemail/mail/io/provider/provider-client.ts';
import type { Delivery, OutboxEntry } from '../store/outbox-collections.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';

export interface ReceiptCollectorDeps {
  readonly tangle: Pick<TangleAccess, 'clock'>;
  /** The provider at an endpoint, which has shown that it is the one with this bond. */
  readonly providerAt: (hint: ProviderHint) => Promise<Pick<ProviderClient, 'receipt'>>;
  /** Whom the recipient's newest descriptor names; undefined when none can be had. */
  readonly providersOf: (address: MailAddress) => Promise<readonly ProviderHint[] | undefined>;
  readonly logger: Logger;
}

/** From this question on, about half a minute, the recipient may as well have moved. */
const LOOK_AGAIN_AFTER = 6;

export class ReceiptCollector {
  readonly #deps: ReceiptCollectorDeps;

  constructor(deps: ReceiptCollectorDeps) {
    this.#deps = deps;
  }

  /** What the providers say now. Never throws: who cannot be reached is asked again. */
  async collect(entry: OutboxEntry): Promise<Delivery[]> {
    const { deliveries, attempts } = entry;
    const present = attempts < LOOK_AGAIN_AFTER ? deliveries : await this.#moved(entry);
    return await Promise.all(present.map((one) => this.#ask(entry, one)));
  }

  /** The providers of now: receipts of earlier ones count on, their silence does not. */
  async #moved({ to, audience, deliveries }: OutboxEntry): Promise<readonly Delivery[]> {
    // Of a group, whoever moved finds the line with the others' copies: no descriptor is asked.
    if (audience !== undefined || deliveries.every((one) => one.state === 'stored')) {
      return deliveries;
    }
    const hints = await this.#deps.providersOf(to).catch(() => undefined);
    if (hints === undefined) return deliveries;
    const named = hints.map((one): Delivery => ({
      bondId: bytesToHex(one.bondId),
      endpoint: one.endpoint,
      state: 'waiting',
    }));
    const isNamed = ({ bondId }: Delivery): boolean => named.some((one) => one.bondId === bondId);
    const isKnown = ({ bondId }: Delivery): boolean =>
      deliveries.some((one) => one.bondId === bondId);
    const kept = deliveries.filter((one) => one.state === 'stored' || isNamed(one));
    return [...kept, ...named.filter((one) => !isKnown(one))];
  }

  /** Asks one provider for its receipt; one that cannot be reached is asked again. */
  async #ask(entry: OutboxEntry, delivery: Delivery): Promise<Delivery> {
    const { root, envelopeBytes } = entry;
    if (delivery.state === 'stored' || root === undefined || envelopeBytes === undefined) {
      return delivery;
    }
    const { bondId, endpoint } = delivery;
    const ledgerTime = Math.floor(this.#deps.tangle.clock.nowMs() / 1_000);
    try {
      const provider = await this.#deps.providerAt({ bondId: hexToBytes(bondId), endpoint });
      const receipt = await provider.receipt(root, { size: envelopeBytes, ledgerTime });
      if (receipt === undefined) return { ...delivery, state: 'absent' };
      const { until } = receipt;
      const encoded = bytesToHex(encodeReceipt(receipt));
      return { ...delivery, state: 'stored', until, receipt: encoded };
    } catch (error) {
      this.#deps.logger.debug({ ...errorFields(error), outboxId: entry.id }, 'no receipt yet');
      return delivery;
    }
  }
}
