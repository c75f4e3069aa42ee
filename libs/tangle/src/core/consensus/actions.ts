/**
 * What goes into the agreement and what comes out of it: options, signed statements, actions.
 * Path: the shell ↔ `simplex.ts`. Spec: docs/spec/15-consensus.md §3.
 */
import type { Certificate, StatementKind } from '../codec/certificate.ts';
import type { ConsensusMessage, Proposal } from '../codec/consensus.ts';
import type { MilestoneId } from '../codec/ids.ts';
import type { Milestone } from '../codec/milestone.ts';
import type { NetworkParams } from '../params/networks.ts';
import type { Base, Entry } from './final-chain.ts';
import type { Evidence } from './round.ts';

/** What a seat signs. */
export interface SignedStatement {
  readonly kind: StatementKind;
  readonly epoch: number;
  readonly view: bigint;
  /** Zero for `nullify`. */
  readonly digest: Uint8Array;
  /**
   * What `notarize` is for. It is kept with the vote: a quorum may make it final, and all may have
   * stopped before anybody wrote it elsewhere.
   */
  readonly proposal?: Proposal;
  /**
   * Certificates that this seat knew when it said this, and that the log may not hold yet. A seat
   * that comes back must be able to prove what it acted on: others may have lost it as well, and
   * who voted for it may keep silent from then on.
   */
  readonly certificates?: readonly Certificate[];
}

export interface SimplexOptions {
  readonly networkId: bigint;
  readonly epoch: number;
  /** Keys of this epoch's committee in seat order. */
  readonly committee: readonly Uint8Array[];
  /** Our seat; undefined for somebody who only listens. */
  readonly seat: number | undefined;
  readonly params: NetworkParams;
  /** The longest that a message between honest validators is expected to take, milliseconds. */
  readonly deltaMs: number;
  /** The last final milestone. */
  readonly base: Base;
  /** What the vote log holds of this epoch. */
  readonly signed: readonly SignedStatement[];
  /** The seat signs nothing below this view: its log may have lost what it signed there. */
  readonly silentBelow?: bigint;
}

/** What the shell is asked to do. */
export type SimplexAction =
  /**
   * Write the statement to the vote log and sync it, for `notarize` with the blocks of the cone;
   * then sign it and call `onSigned`.
   */
  | { readonly do: 'sign'; readonly statement: SignedStatement }
  | { readonly do: 'send'; readonly message: ConsensusMessage }
  /** Build a milestone on `parent` and call `onBuilt`. */
  | { readonly do: 'build'; readonly view: bigint; readonly parent: MilestoneId }
  /** Check the content as soon as its cone is there, and call `onChecked`. */
  | ({ readonly do: 'check'; readonly view: bigint; readonly id: MilestoneId } & Entry)
  /** Ask peers for the certificates of these views, and for the proposals of these ids. */
  | {
      readonly do: 'fetch';
      readonly views: readonly bigint[];
      readonly ids: readonly MilestoneId[];
    }
  /** The next final milestone. */
  | { readonly do: 'final'; readonly id: MilestoneId; readonly milestone: Milestone }
  | { readonly do: 'evidence'; readonly evidence: Evidence };
