/**
 * Rules in the self-log: the list as a whole, because what a rule does depends on those before it.
 * Before: rules/rule-book.ts; after: the other devices. Spec: docs/spec/26-self-log.md, "Values".
 */
import { isKind, type Operation } from '@tanglemail/mail/core/self-log/operation.ts';
import { readRegister } from '@tanglemail/mail/core/self-log/view.ts';
import { z } from 'zod';
import type { RuleBook } from '../rules/rule-book.ts';
import { type Rule, ruleLists, ruleSchema } from '../store/mailbox-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import type { DeviceLog } from './device-log.ts';
import { readJson, setJson } from './log-values.ts';

/** `rules` stands alone while the list is too large for an operation: each device has its own. */
const VALUE = z.object({ rules: z.array(ruleSchema).max(200).optional() });

export class RuleLog {
  readonly #log: DeviceLog;
  readonly #rules: RuleBook;

  constructor(log: DeviceLog, rules: RuleBook) {
    this.#log = log;
    this.#rules = rules;
    rules.observe((batch, change) => {
      if (change.origin === 'local') this.#journal(batch, change.rules);
    });
  }

  /** Rules of before the first device was made. */
  journalAll(batch: SealedBatch): void {
    const isKnown = readRegister(this.#log.view(), 'rules', '') !== undefined;
    if (!isKnown && this.#rules.list().length > 0) this.#journal(batch, this.#rules.list());
  }

  #journal(batch: SealedBatch, rules: readonly Rule[]): void {
    const body = setJson('rules', '', { rules }) ?? setJson('rules', '', {});
    if (body !== undefined) this.#log.journal(batch, body);
  }

  /** Puts the rules of another device into the batch. */
  apply(batch: SealedBatch, operations: readonly Operation[]): (() => void)[] {
    const isTouched = operations.some((one) => isKind(one, 'set') && one.body.register === 'rules');
    const value = isTouched ? readRegister(this.#log.view(), 'rules', '') : undefined;
    const rules = readJson(value, VALUE)?.rules;
    if (rules === undefined) return [];
    const list = ruleLists.schema.parse({ rules }).rules;
    if (JSON.stringify(list) === JSON.stringify(this.#rules.list())) return [];
    return [this.#rules.replace(batch, list, 'remote')];
  }
}
