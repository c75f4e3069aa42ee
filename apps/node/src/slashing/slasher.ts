/**
 * Brings evidence to the ledger: while a key that contradicted itself has unspent bonds, the node
 * attaches one transaction per bond that burns it. What was kept is read again at a start, so a
 * crash forgets nothing; and a transaction that no milestone took is attached again.
 * Path: join-agreement.ts (evidence is kept) → here → core/ledger/slash.ts → processor.
 * Spec: docs/spec/08-ledger.md §3.7, docs/spec/15-consensus.md §9.
 */
import { evidenceUnlockOf, type Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import { bytesToHex, type Address, type OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { encodePayload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { ValidatorBondOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { EvidenceUnlock } from '@tanglemail/tangle/core/codec/unlock.ts';
import type { ConsumedOutput } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import { slashTransaction } from '@tanglemail/tangle/core/ledger/slash.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { NetworkParams } from '@tanglemail/tangle/core/params/networks.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { errorFields, type Logger } from '@tanglemail/tangle/io/logger.ts';
import type { Committees } from '../committees.ts';
import type { ConfirmedMilestone } from '../confirmation/confirmation-engine.ts';
import { Serial } from '../signal.ts';

/** An unspent bond of the confirmed ledger. */
export interface UnspentBond {
  readonly outputId: OutputId;
  readonly bond: ValidatorBondOutput;
}

export interface SlasherOptions {
  readonly networkId: bigint;
  readonly params: NetworkParams;
  /** Who gets the finder's sixteenth; undefined burns it. */
  readonly rewardAddress: Address | undefined;
  /** A node that others may be quicker than: it leaves them some milestones first. */
  readonly isPatient: boolean;
}

export interface SlasherDeps {
  readonly hasher: Hasher;
  readonly committees: Pick<Committees, 'of'>;
  /** All evidence that is kept, the oldest first. */
  kept(): Promise<Evidence[]>;
  /** The greatest unspent bonds of a key, at most `limit`. */
  bondsOf(publicKey: Uint8Array, limit: number): Promise<UnspentBond[]>;
  /** Whether this consumed bond was taken by evidence. */
  isSlashed(consumed: ConsumedOutput): Promise<boolean>;
  /** Makes a block of the payload and sends it to the network. */
  attach(payloadBytes: Uint8Array): Promise<Outcome<unknown>>;
  /** False while the node catches up: what its ledger calls unspent may be spent. */
  isFollowing(): boolean;
  readonly logger: Logger;
  /** Counts a bond that a milestone took by evidence. */
  onSlashed(): void;
}

/** Keys of which evidence is remembered. Each had a seat, and to have one again costs a bond. */
const MAX_ACCUSED = 1_024;
/** Bonds of one key, and transactions, that one milestone is given. */
const MAX_AT_ONCE = 16;
/** Milestones after which a transaction that none took is attached again. */
const RETRY_AFTER = 20;
/** Milestones for which a patient node leaves it to those who hold a seat. */
const PATIENCE = 3;

export class Slasher {
  readonly #options: SlasherOptions;
  readonly #deps: SlasherDeps;
  /** By key in hex: the first evidence that was kept. */
  readonly #accused = new Map<string, EvidenceUnlock>();
  /** Bonds that were seen, and the milestone from which their transaction is attached (again). */
  #dueAt = new Map<OutputId, number>();
  #latestIndex = 0;
  /** No key that is accused has a bond, so milestones that make none change nothing. */
  #isSettled = false;
  #round: Promise<void> | undefined;
  readonly #tells = new Serial();
  #isStopped = false;

  constructor(options: SlasherOptions, deps: SlasherDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Takes up what an earlier run kept. */
  async start(latestIndex: number): Promise<void> {
    this.#latestIndex = Math.max(this.#latestIndex, latestIndex);
    for (const evidence of await this.#deps.kept()) this.#remember(evidence);
    this.#isSettled = false;
    this.#wake();
  }

  /** Waits for the transaction under way, and for what is being looked up. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#round;
    await this.#tells.run(() => Promise.resolve());
  }

  /** Evidence that was just kept. */
  accuse(evidence: Evidence): void {
    this.#remember(evidence);
    this.#isSettled = false;
    this.#wake();
  }

  /** The ledger after a milestone: says whose bonds were taken, and looks for more. */
  onConfirmed({ milestone, result }: ConfirmedMilestone): void {
    this.#latestIndex = milestone.header.index;
    const { created, consumed } = result.diff;
    if (created.some(({ output }) => output.kind === 'validator-bond')) this.#isSettled = false;
    const bonds = consumed.filter(({ output }) => output.kind === 'validator-bond');
    if (bonds.length > 0) {
      this.#tells.run(() => this.#tell(bonds)).catch((error: unknown) => this.#warn(error));
    }
    this.#wake();
  }

  #remember(evidence: Evidence): void {
    const [{ epoch }] = evidence.pair;
    const publicKey = this.#deps.committees.of(epoch)[evidence.seat];
    if (publicKey === undefined) return;
    const key = bytesToHex(publicKey);
    if (this.#accused.has(key) || this.#accused.size >= MAX_ACCUSED) return;
    this.#accused.set(key, evidenceUnlockOf(evidence, this.#deps.hasher));
  }

  /** One round at a time; a milestone that comes meanwhile is followed by another. */
  #wake(): void {
    if (this.#accused.size === 0 || this.#isSettled) return;
    if (this.#round !== undefined || this.#isStopped) return;
    const index = this.#latestIndex;
    this.#round = this.#look(index)
      .catch((error: unknown) => {
        this.#isSettled = false;
        this.#warn(error);
      })
      .finally(() => {
        this.#round = undefined;
        if (this.#latestIndex > index) this.#wake();
      });
  }

  async #look(index: number): Promise<void> {
    if (!this.#deps.isFollowing()) return;
    this.#isSettled = true;
    const dueAt = new Map<OutputId, number>();
    let attached = 0;
    for (const [key, evidence] of this.#accused) {
      for (const bond of await this.#bondsOf(key)) {
        const patience = this.#options.isPatient ? PATIENCE : 0;
        const due = this.#dueAt.get(bond.outputId) ?? index + patience;
        dueAt.set(bond.outputId, due);
        if (due > index || attached >= MAX_AT_ONCE || this.#isStopped) continue;
        attached += 1;
        if (await this.#slash(bond, evidence)) dueAt.set(bond.outputId, index + RETRY_AFTER);
      }
    }
    this.#dueAt = dueAt;
    if (dueAt.size > 0) this.#isSettled = false;
  }

  async #bondsOf(key: string): Promise<UnspentBond[]> {
    return await this.#deps.bondsOf(Buffer.from(key, 'hex'), MAX_AT_ONCE);
  }

  /** False when the node did not take the block: it is tried again at the next milestone. */
  async #slash({ outputId, bond }: UnspentBond, evidence: EvidenceUnlock): Promise<boolean> {
    const { networkId, params, rewardAddress } = this.#options;
    const plan = { networkId, params, outputId, bond, evidence, rewardAddress };
    const outcome = await this.#deps.attach(encodePayload(slashTransaction(plan)));
    const facts = { outputId, ...factsOf(bond) };
    if (outcome.ok) this.#deps.logger.warn(facts, 'evidence is brought against a bond');
    else this.#deps.logger.warn({ ...facts, code: outcome.code }, 'evidence could not be brought');
    return outcome.ok;
  }

  async #tell(consumed: readonly ConsumedOutput[]): Promise<void> {
    for (const one of consumed) {
      if (one.output.kind !== 'validator-bond' || !(await this.#deps.isSlashed(one))) continue;
      this.#deps.onSlashed();
      const { outputId, transactionId } = one;
      const facts = { outputId, transactionId, ...factsOf(one.output) };
      this.#deps.logger.warn(facts, 'a validator is slashed');
    }
  }

  #warn(error: unknown): void {
    this.#deps.logger.error(errorFields(error), 'looking after bonds failed');
  }
}

function factsOf({ publicKey, amount, owner }: ValidatorBondOutput) {
  return { publicKey: bytesToHex(publicKey), amount: `${amount}`, owner };
}
