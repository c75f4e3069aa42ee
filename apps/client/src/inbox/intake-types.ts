/**
 * What comes in, as the parts of the inbox hand it to each other. Before: letter-intake.ts; after:
 * chats, parcels, receipts. Spec: docs/spec/42-delivery.md.
 */
import type { MailEnvelope } from '@tanglemail/mail/core/envelope/envelope.ts';
import type { MailAddress } from '@tanglemail/mail/core/identity/address.ts';
import type { LetterContent, LetterId } from '@tanglemail/mail/core/letter/content.ts';
import type { OpenedLetter } from '@tanglemail/mail/core/letter/letter.ts';
import type { Contact } from '../store/collections.ts';
import type { SealedBatch } from '../store/sealed-store.ts';

/** What became of an envelope. */
export type Intake =
  | { readonly kind: 'delivered'; readonly mailId: string }
  /** Taken in, and nothing that a folder shows: a note, a line of chat, a part of something. */
  | { readonly kind: 'filed' }
  | { readonly kind: 'known' }
  | { readonly kind: 'refused'; readonly code: string };

/** What taking something in did; `apply` is called once the batch is written. */
export interface IntakeStep {
  readonly intake: Intake;
  readonly apply: () => void;
}

/** An envelope under a tag that some opener waits for. */
export interface TaggedEnvelope {
  readonly envelope: MailEnvelope;
  readonly bytes: Uint8Array;
  /** Segment-tree root, hex. */
  readonly root: string;
  readonly receivedAtMs: number;
}

/**
 * Opens envelopes that are no letters: those of chains. Asked before a letter is tried. Once an
 * envelope was refused it is not opened again.
 */
export interface EnvelopeOpener {
  /** Whether it waits for this tag. Asked for every envelope, so it must be a look-up. */
  match(tag: Uint8Array): boolean;
  /**
   * Opens, and puts all changes into the batch, under the write lock. Undefined: the envelope is
   * none of its own after all, and is tried as a letter. Never throws for bad input.
   */
  take(batch: SealedBatch, arrival: TaggedEnvelope): IntakeStep | undefined;
}

/** A letter of a kind that is registered by `registerKind`, its seal checked, its sender noted. */
export interface TakenLetter {
  readonly letter: OpenedLetter;
  readonly senderState: SenderState;
  readonly receivedAtMs: number;
}

/** Puts what the letter changes into the batch, under the write lock. Never throws at a letter. */
export type KindHandler = (batch: SealedBatch, taken: TakenLetter) => IntakeStep;

/** Notes facts of any letter whose seal holds, in the batch that files it. Never throws. */
export type LetterReader = (batch: SealedBatch, letter: OpenedLetter) => () => void;

/** Keeps an envelope that came to us and that nothing opens yet. Never throws. */
export type EnvelopeKeeper = (batch: SealedBatch, arrival: TaggedEnvelope) => () => void;

/** `own`: another device of this account. */
export type SenderState = Contact['state'] | 'own';

/** A message that is whole, and whose letter named it. */
export interface ArrivedMessage {
  readonly sender: MailAddress;
  readonly letterId: LetterId;
  readonly isRegistered: boolean;
  readonly raw: Uint8Array;
  /** From `readFacts`. */
  readonly shown: ShownFacts;
  /** The letter's content, if it is registered: kept to be shown to others. */
  readonly registered?: LetterContent;
  /** Of the letter, if it asks for a receipt: given now that the message is here. */
  readonly receiptSecret?: Uint8Array;
  /** Our sub-address by which it came, '' for none; else the one by which its sender came first. */
  readonly subAddress?: string;
}

/** A letter that asks for a receipt, and whose message is here. */
export interface ReceiptWish {
  readonly sender: MailAddress;
  readonly senderState: SenderState;
  readonly letterId: LetterId;
  readonly receiptSecret: Uint8Array;
}

/** Whether the client itself will tell this sender that its user has read a message. */
export type ReadPromise = (wish: Pick<ReceiptWish, 'sender' | 'senderState'>) => boolean;

/** Puts the receipt that the settings allow into the batch. */
export type ReceiptGiver = (batch: SealedBatch, wish: ReceiptWish) => () => void;

/** What a list shows of a message. */
export interface ShownFacts {
  readonly hasAttachments: boolean;
  readonly messageId: string;
  readonly fromName: string;
  readonly to: string;
  readonly subject: string;
}
