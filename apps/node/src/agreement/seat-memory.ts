/**
 * What a seat is to the agreement: what it said, the key that says it, and where it must keep
 * silent. Path: agreement ↔ here ↔ seat.ts. Spec: docs/spec/16-signer.md.
 */
import type {
  Certificate,
  Statement,
  StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { SignerErrorCode } from './vote-error.ts';

/** Why a seat keeps silent. */
export type SilenceReason = 'log-missing' | 'log-behind' | 'imported';

/** Where a seat may speak; asked when a Simplex is made and after each confirmed milestone. */
export interface Silence {
  /** The first view of the epoch in which the seat speaks; undefined: it does not speak at all. */
  silentBelow(epoch: number): bigint | undefined;
  readonly reason: SilenceReason | undefined;
  /** After each final milestone, before what its views hold is forgotten. */
  onConfirmed(header: MilestoneHeader, certificate: Certificate): void;
  /** A vote or certificate with our valid signature that the log does not know. */
  onForeignOwn(epoch: number, view: bigint): void;
  /** The node stands at the network's newest milestone: from here on an operator's word counts. */
  onCaughtUp(latest: MilestoneHeader): void;
}

/** Why statements are not said; the process goes on. */
export interface Refusal {
  /** `away`: the signer does not answer and may be asked again. */
  readonly code: SignerErrorCode;
  /** What was signed, in the order asked. */
  readonly signatures: readonly (Uint8Array | undefined)[];
}

export interface SeatMemory {
  /** 32 bytes. Whether it sits in an epoch, and where, says the epoch's committee. */
  readonly publicKey: Uint8Array;
  /** Statements of the epoch, for SimplexOptions.signed. */
  statementsOf(epoch: number): readonly SignedStatement[];
  /**
   * Writes and syncs the statements (after `syncCone`, if a new notarize is among them), then
   * signs them: 64 bytes each, in the order given. What the log has is signed without a write.
   * Rejects with a {@link Refusal} when not all are said: the seat is silent there, or the signer
   * refused or did not answer. Rejects with VoteError for a contradiction and StoreError when the
   * disk refuses; then nothing may be said any more.
   */
  record(
    statements: readonly SignedStatement[],
    syncCone: () => Promise<void>,
  ): Promise<Uint8Array[]>;
  /** Forgets what lies below a view of an epoch; nothing but ratify is signed there any more. */
  forget(belowEpoch: number, belowView: bigint): Promise<void>;
  readonly silence: Silence;
  /** Waits for writes under way. */
  close(): Promise<void>;
}

/** Holds the key of a seat. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** True while it cannot be reached: the seat is silent. */
  readonly isAway: boolean;
  /** 64 bytes over `signedMessage`. Rejects with SignerError. */
  sign(statement: Statement<StatementKind>, networkId: bigint): Promise<Uint8Array>;
  close(): Promise<void>;
}
