/**
 * The rules of the account, in their order. The mail store asks them inside each delivery, so what
 * they do is in the same batch as the mail. Before: message-store.ts and the mailbox service;
 * after: rule.ts. Spec: docs/spec/41-client-api.md §20.
 */
import type { NewMail } from '../messages/listed-mail.ts';
import type { ChangeOrigin } from '../messages/message-change.ts';
import type { MessageStore } from '../messages/message-store.ts';
import { type Rule, ruleLists } from '../store/mailbox-collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';
import { fileMail } from './rule.ts';

const KEY = 'rules';

export interface RuleBookDeps {
  readonly store: SealedStore;
  readonly messages: MessageStore;
  /** What a person would call the sender: address, e-mail form and name. */
  readonly senderOf: (mail: Pick<NewMail, 'sender'>) => string;
}

/** Hears of every change inside its batch; must not throw. */
export type RuleObserver = (
  batch: SealedBatch,
  change: { readonly origin: ChangeOrigin; readonly rules: readonly Rule[] },
) => void;

export class RuleBook {
  readonly #observers = new Set<RuleObserver>();
  #rules: readonly Rule[];

  constructor({ store, messages, senderOf }: RuleBookDeps) {
    this.#rules = store.get(ruleLists, KEY)?.rules ?? [];
    const hasFolder = (id: Parameters<typeof messages.folder>[0]): boolean =>
      messages.folder(id) !== undefined;
    messages.fileBy((mail) => fileMail(this.#rules, mail, senderOf(mail), hasFolder));
  }

  list(): readonly Rule[] {
    return this.#rules;
  }

  /** Calls `observer` inside every change until the function it gives is called. */
  observe(observer: RuleObserver): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Replaces all rules. Call what it gives once the batch is written. */
  replace(batch: SealedBatch, rules: readonly Rule[], origin: ChangeOrigin = 'local'): () => void {
    batch.put(ruleLists, KEY, { rules: [...rules] });
    for (const observer of this.#observers) observer(batch, { origin, rules });
    return () => {
      this.#rules = rules;
    };
  }
}
