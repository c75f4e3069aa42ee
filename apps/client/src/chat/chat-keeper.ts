/**
 * What chat does by the clock: tells senders that their chains are watched, asks for what is
 * missing, says what is lost, and deletes what is over. Before: chat.ts; after: receiving-book.ts,
 * waiting-book.ts. Spec: docs/spec/24-chain.md section 5, docs/spec/43-chat.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { sha256, utf8ToBytes } from '@tanglemail/mail/core/crypto/kdf.ts';
import { encodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import type { ChainId } from '@tanglemail/mail/core/chain/ratchet.ts';
import { MAX_REQUESTED_NUMBERS } from '@tanglemail/mail/core/limits.ts';
import type { MissingChain, ReceivingRecord } from '../store/chat-collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { applyAll } from '../store/staged-map.ts';
import { type ChatContext, nowOf } from './chat-context.ts';
import type { ChatOutbox } from './chat-outbox.ts';

/** Tags and people of one round of questions about envelopes that nothing opens. */
const MAX_ASKED_TAGS = 4;
const MAX_ASKED_PEOPLE = 8;
/** Between two rounds: an answer brings whole chains, and most of the rest need no question. */
const ROUND_SECONDS = 3_600;

export class ChatKeeper {
  readonly #context: ChatContext;
  readonly #outbox: ChatOutbox;
  #nextRoundAt = 0;

  constructor(context: ChatContext, outbox: ChatOutbox) {
    this.#context = context;
    this.#outbox = outbox;
  }

  /**
   * Has the tags of new chains watched and then says so to their senders. What a provider that
   * cannot be reached does not watch yet is answered at a later call.
   */
  async answerSeeds(): Promise<void> {
    const { writes, store, receiving, outbox, watchTags, isWatching } = this.#context;
    if (receiving.unanswered().length === 0) return;
    await watchTags();
    await writes.run(async () => {
      const due = receiving.unanswered().filter(({ chainId }) => isWatching(chainId));
      if (due.length === 0) return;
      const batch = store.batch();
      const applies = due.flatMap(({ chainId, from }) => {
        const body = encodeChainNote({ type: 'watched', chainId: chainId as ChainId });
        const accept = outbox.enqueueNote(batch, { to: from, body, dedupe: `watched:${chainId}` });
        return [receiving.markAnswered(batch, chainId), () => void accept()];
      });
      await batch.write();
      applyAll(applies)();
    });
  }

  /** Everything that has become due. */
  async tick(): Promise<void> {
    const { writes, store, receiving, sending, groups, tangle } = this.#context;
    await writes.run(async () => {
      const now = nowOf(this.#context);
      const batch = store.batch();
      const applies = [
        receiving.noteGaps(batch, now),
        receiving.prune(batch, now, (record) => this.#isWanted(record)),
        this.#askForNumbers(batch, now),
        this.#askForSeeds(batch, now),
        sending.tellLengths(batch, (id) => this.#outbox.audienceWith(id, batch)),
        sending.prune(batch),
        groups.release(batch, undefined, tangle.clock.nowMs()).apply,
      ];
      await batch.write();
      applyAll(applies)();
    });
    await this.answerSeeds();
  }

  /** Chains of people who are no contacts any more, and of groups that we left, are let go. */
  #isWanted({ from, audience }: ReceivingRecord): boolean {
    const { contacts, groups } = this.#context;
    if (groups.get(audience) !== undefined) return groups.ownRole(audience) !== undefined;
    return contacts.get(from)?.state === 'accepted';
  }

  #askForNumbers(batch: SealedBatch, now: number): () => void {
    const { receiving, outbox } = this.#context;
    const { ask, lost, apply } = receiving.dueRequests(batch, now);
    const asked = ask.map(({ missing, numbers }) => {
      const body = encodeChainNote({
        type: 'chain-request',
        chainId: missing.chainId as ChainId,
        numbers: numbers.slice(0, MAX_REQUESTED_NUMBERS),
      });
      const dedupe = `missing:${missing.chainId}`;
      const accept = outbox.enqueueNote(batch, { to: missing.from, body, dedupe });
      return () => void accept();
    });
    const told = lost.map((one) => this.#tellLost(batch, one.missing, one.count));
    return applyAll([apply, ...asked, ...told]);
  }

  /** The sender has not answered three times: only now the user hears of it. */
  #tellLost(batch: SealedBatch, missing: MissingChain, n: number): () => void {
    const { chainId, from, audience, length } = missing;
    const { log, groups, tangle, onChange } = this.#context;
    const isGroup = groups.get(audience) !== undefined;
    const ref = isGroup
      ? ({ id: audience, kind: 'group' } as const)
      : ({ id: from, kind: 'person' } as const);
    const receivedAtMs = tangle.clock.nowMs();
    const added = log.add(batch, ref, {
      // One chain can lose something more than once.
      letterId: bytesToHex(sha256(utf8ToBytes(`lost/${chainId}/${length}`)).subarray(0, 16)),
      sender: from,
      isOwn: false,
      kind: 'notice',
      text: JSON.stringify({ lost: n }),
      sentAt: Math.floor(receivedAtMs / 1_000),
      receivedAtMs,
      recipients: [],
      isLeft: false,
    });
    return applyAll([added.apply, () => onChange({ conversation: ref.id })]);
  }

  /**
   * A tag does not tell whose it is: those with whom we chatted last are asked, and then, for a new
   * device has chatted with nobody, other people with whom we may.
   */
  #askForSeeds(batch: SealedBatch, now: number): () => void {
    const { waiting, log, contacts, outbox } = this.#context;
    const limit = now < this.#nextRoundAt ? 0 : MAX_ASKED_TAGS;
    const { ask, apply } = waiting.tick(batch, now, limit);
    if (ask.length === 0) return apply;
    this.#nextRoundAt = now + ROUND_SECONDS;
    const others = contacts.list().map(({ address }) => ({ id: address, kind: 'person' as const }));
    const people = [...log.list(), ...others]
      .flatMap((ref) => this.#outbox.audienceOf(ref, batch)?.holders ?? [])
      .map((one) => one.address);
    const few = [...new Set(people)].slice(0, MAX_ASKED_PEOPLE);
    const accepts = ask.flatMap((tag) =>
      few.map((to) => {
        const body = encodeChainNote({ type: 'envelope-request', tag });
        const dedupe = `tag:${bytesToHex(tag)}`;
        return outbox.enqueueNote(batch, { to, body, dedupe });
      }),
    );
    return applyAll([apply, ...accepts.map((accept) => () => void accept())]);
  }
}
