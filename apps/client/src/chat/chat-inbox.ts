/**
 * What comes in for chat: messages of chains, and the notes about chains. Everything runs in the
 * batch of the intake, so key, message and envelope's mark reach the disk together. Before:
 * letter-intake.ts, note-router.ts; after: chat-log.ts, group-inbox.ts, chat-outbox.ts.
 * Spec: docs/spec/24-chain.md, docs/spec/43-chat.md.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { type ChainNote, decodeChainNote } from '@tanglemail/mail/core/chain/note.ts';
import { personAudience } from '@tanglemail/mail/core/chain/ratchet.ts';
import { formatEmail, type MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { LetterId } from '@tanglemail/mail/core/letter/content.ts';
import type { IntakeStep, TaggedEnvelope } from '../inbox/intake-types.ts';
import type { ControlNote } from '../inbox/note-router.ts';
import type { SealedBatch } from '../store/sealed-store.ts';
import { applyAll } from '../store/staged-map.ts';
import { type ChatContext, nowOf } from './chat-context.ts';
import type { ChatOutbox } from './chat-outbox.ts';
import type { GroupInbox } from './group-inbox.ts';
import type { ChainArrival } from './receiving-book.ts';
import { mailOfText } from './text-mail.ts';

/** A line of chat from somebody, however it came. */
interface IncomingText {
  readonly sender: MailAddress;
  readonly letterId: LetterId;
  readonly sentAt: number;
  readonly text: Uint8Array;
  readonly receivedAtMs: number;
}

/** `answerSeeds` is called once a new chain is on the disk. */
export interface ChatInboxHooks {
  readonly answerSeeds: () => void;
}

export class ChatInbox {
  readonly #context: ChatContext;
  readonly #outbox: ChatOutbox;
  readonly #groups: GroupInbox;
  readonly #hooks: ChatInboxHooks;
  readonly #ownAudience: string;

  constructor(
    context: ChatContext,
    parts: { readonly outbox: ChatOutbox; readonly groups: GroupInbox },
    hooks: ChatInboxHooks,
  ) {
    this.#context = context;
    this.#outbox = parts.outbox;
    this.#groups = parts.groups;
    this.#hooks = hooks;
    this.#ownAudience = bytesToHex(personAudience(context.account.address));
  }

  match(tag: Uint8Array): boolean {
    return this.#context.receiving.match(tag);
  }

  /** Opens an envelope under a chain's tag. */
  take(batch: SealedBatch, arrival: TaggedEnvelope): IntakeStep | undefined {
    const { envelope, receivedAtMs } = arrival;
    const taken = this.#context.receiving.take(batch, envelope, nowOf(this.#context));
    if (taken === undefined) return undefined;
    if (!taken.ok) {
      return { intake: { kind: 'refused', code: taken.code }, apply: () => {} };
    }
    const filed = this.#file(batch, taken.value.arrival, receivedAtMs);
    return { intake: { kind: 'filed' }, apply: applyAll([taken.value.apply, filed]) };
  }

  /** Keeps an envelope whose chain may be on its way. */
  keep(batch: SealedBatch, { bytes }: TaggedEnvelope): () => void {
    return this.#context.waiting.add(batch, bytes, nowOf(this.#context));
  }

  /** Takes a note of family 0xc1. */
  takeNote(batch: SealedBatch, note: ControlNote): () => void {
    const decoded = decodeChainNote(note.body);
    if (!decoded.ok) return () => {};
    return this.#act(batch, note, decoded.value);
  }

  #act(batch: SealedBatch, from: ControlNote, note: ChainNote): () => void {
    const { sending, receiving } = this.#context;
    const { sender, receivedAtMs } = from;
    switch (note.type) {
      case 'seed':
        return this.#openChain(batch, from, note);
      case 'text':
        return this.fileText(batch, { ...note, sender, receivedAtMs });
      case 'watched':
        return sending.noteWatcher(batch, note.chainId, sender);
      case 'length': {
        const unheld = this.#isAccepted(sender) ? this.#ownAudience : undefined;
        return receiving.noteLength(batch, note, {
          from: sender,
          now: nowOf(this.#context),
          unheld,
        });
      }
      case 'chain-request': {
        const sent = sending.sentTo(sender, { chainId: note.chainId }, batch);
        return sent ? this.#outbox.answer(batch, sender, sent, note.numbers) : () => {};
      }
      case 'envelope-request': {
        const sent = sending.sentTo(sender, { tag: bytesToHex(note.tag) }, batch);
        return sent ? this.#outbox.answer(batch, sender, sent, []) : () => {};
      }
      default:
        return receiving.settle(batch, { ...note, from: sender }, nowOf(this.#context));
    }
  }

  /** Only people whom we have accepted may have us watch the tags of a chain. */
  #openChain(
    batch: SealedBatch,
    { sender, receivedAtMs }: ControlNote,
    note: ChainNote & { readonly type: 'seed' },
  ): () => void {
    const isForUs = bytesToHex(note.audience) === this.#ownAudience;
    if (!isForUs || !this.#isAccepted(sender)) return () => {};
    return this.openChain(batch, sender, note, receivedAtMs);
  }

  /** Opens the chain of a seed, and files what waited for it. */
  openChain(
    batch: SealedBatch,
    sender: MailAddress,
    note: ChainNote & { readonly type: 'seed' },
    receivedAtMs: number,
  ): () => void {
    const opened = this.#context.receiving.open(batch, note, sender, nowOf(this.#context));
    if (!opened.ok) return () => {};
    const filed = opened.value.arrivals.map((one) => this.#file(batch, one, receivedAtMs));
    return applyAll([opened.value.apply, ...filed, this.#hooks.answerSeeds]);
  }

  #file(batch: SealedBatch, { from, audience, opened }: ChainArrival, atMs: number): () => void {
    if (opened.kind !== 'text') return () => {};
    const { letterId, sentAt, message } = opened;
    const common = { sender: from, letterId, sentAt, receivedAtMs: atMs };
    if (audience === this.#ownAudience) return this.fileText(batch, { ...common, text: message });
    return this.#groups.fileFrame(batch, { ...common, frame: message, groupId: audience });
  }

  /** A contact's line goes into the conversation, anybody else's into Requests like a mail. */
  fileText(batch: SealedBatch, incoming: IncomingText): () => void {
    const { log, contacts, intake, account, onChange } = this.#context;
    const { sender, letterId, sentAt, receivedAtMs } = incoming;
    if (contacts.get(sender)?.state === 'blocked') return () => {};
    const text = new TextDecoder().decode(incoming.text);
    if (!this.#isAccepted(sender)) {
      const { network } = account;
      const from = formatEmail({ address: sender, network });
      const to = formatEmail({ address: account.address, network });
      const mail = mailOfText({ from, to, text, sentAt });
      return intake.deliver(batch, { sender, letterId, isRegistered: false, ...mail }).apply;
    }
    const added = log.add(
      batch,
      { id: sender, kind: 'person' },
      {
        letterId,
        sender,
        isOwn: false,
        kind: 'text',
        text,
        sentAt,
        receivedAtMs,
        recipients: [],
        isLeft: false,
      },
    );
    if (!added.isNew) return () => {};
    const { number } = added.message;
    return applyAll([added.apply, () => onChange({ conversation: sender, message: number })]);
  }

  #isAccepted(sender: MailAddress): boolean {
    return this.#context.contacts.get(sender)?.state === 'accepted';
  }
}
