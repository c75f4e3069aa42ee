/**
 * What users do with validators' bonds: they bond for nodes, add to a bond, take a part of it or
 * all back, try to take it without waiting, and bring the evidence that nodes found.
 * Path: `world.ts` → here → `traffic.ts`. Spec: docs/spec/08-ledger.md §3.7.
 */
import { bytesToHex, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { Output, ValidatorBondOutput } from '@tanglemail/tangle/core/codec/output.ts';
import type { Payload } from '@tanglemail/tangle/core/codec/payload.ts';
import type { EvidenceUnlock } from '@tanglemail/tangle/core/codec/unlock.ts';
import { evidenceUnlockOf, type Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import type { OutputRecord } from '@tanglemail/tangle/core/ledger/ledger-diff.ts';
import { slashTransaction } from '@tanglemail/tangle/core/ledger/slash.ts';
import { VALIDATOR_UNBOND_SECONDS } from '@tanglemail/tangle/core/params/limits.ts';
import type { SimNetworkRules } from './chain.ts';
import type { SimNode } from './node.ts';
import type { SeededRandom } from './random.ts';
import { isOwned, type Traffic } from './traffic.ts';

/** Of what users send: so often bonds change between two elections. */
const BOND_SHARE = 0.25;
/** Far more than clocks are wrong: an unbonding is never too early. */
const UNBOND_MARGIN_SECONDS = 3_600;
/** With fewer bonded keys users rather bond for another node: four are needed for an election. */
const FEW_KEYS = 5;
/** A smaller bond is taken back as a whole: its parts need a storage deposit each. */
const PARTED_MIN = 1_000n;

interface Bond extends OutputRecord {
  readonly output: ValidatorBondOutput;
}

export interface BondTrafficDeps {
  readonly rules: SimNetworkRules;
  readonly random: SeededRandom;
  readonly traffic: Traffic;
  /** The keys of all nodes. */
  readonly keys: readonly Uint8Array[];
}

export class BondTraffic {
  readonly #deps: BondTrafficDeps;
  /** By key in hex: the first evidence that somebody found. */
  readonly #evidence = new Map<string, EvidenceUnlock>();

  constructor(deps: BondTrafficDeps) {
    this.#deps = deps;
  }

  /** A node found it. */
  learn(evidence: Evidence, publicKey: Uint8Array): void {
    const key = bytesToHex(publicKey);
    if (this.#evidence.has(key)) return;
    this.#evidence.set(key, evidenceUnlockOf(evidence, this.#deps.rules.hasher));
  }

  /** Sometimes a transaction of what the node takes for unspent. */
  issue(node: SimNode): BlockId | undefined {
    if (!this.#deps.random.chance(BOND_SHARE)) return undefined;
    const payload = this.#draw(node);
    return payload && node.issue(payload);
  }

  #draw(node: SimNode): Payload | undefined {
    const { random } = this.#deps;
    const all = [...node.disk.ledger.unspent.values()];
    const bonds = all.filter(isActive);
    const accused = bonds.filter(({ output }) => this.#evidenceOf(output) !== undefined);
    if (accused.length > 0 && random.chance(0.3)) return this.#slash(random.pick(accused));
    const bonded = new Set(bonds.map(({ output }) => bytesToHex(output.publicKey)));
    const draw = random.next();
    const owned = all.filter(isOwned);
    const funds = owned.length === 0 ? undefined : random.pick(owned);
    if (bonds.length === 0 || draw < (bonded.size < FEW_KEYS ? 0.7 : 0.25)) {
      return funds && this.#bond(funds, bonded);
    }
    const bond = random.pick(bonds);
    if (draw < 0.8) return funds && this.#topUp(bond, funds, all);
    return draw < 0.97 ? this.#unbond(bond, node.nowMs) : this.#steal(bond);
  }

  #evidenceOf({ publicKey }: ValidatorBondOutput): EvidenceUnlock | undefined {
    return this.#evidence.get(bytesToHex(publicKey));
  }

  /** For a node that has none, or for any: bonds of one key are summed up. Some are too small. */
  #bond(funds: OutputRecord, bonded: ReadonlySet<string>): Payload | undefined {
    const { random, rules, keys, traffic } = this.#deps;
    const free = keys.filter((key) => !bonded.has(bytesToHex(key)));
    const publicKey = random.pick(free.length === 0 || random.chance(0.2) ? keys : free);
    const { validatorBondMin } = rules.params;
    const parts = random.pick([5n, 10n, 10n, 20n, 30n]);
    const amount = (validatorBondMin * parts) / 10n;
    const { output } = funds;
    if (output.kind !== 'basic' || output.amount < 2n * amount) return undefined;
    const { address: owner } = output;
    const bond: Output = { kind: 'validator-bond', amount, publicKey, owner, unbondAt: 0 };
    const rest = { ...output, amount: output.amount - amount };
    return traffic.signed([funds], [bond, rest]);
  }

  /** Its owner adds to it, from an output of the owner's. */
  #topUp(bond: Bond, funds: OutputRecord, all: readonly OutputRecord[]): Payload | undefined {
    const { random, rules, traffic } = this.#deps;
    const { output } = bond;
    const own = [funds, ...all].find(
      (one) => one.output.kind === 'basic' && one.output.address === output.owner,
    );
    const more = rules.params.validatorBondMin / random.pick([1n, 2n, 10n]);
    if (own?.output.kind !== 'basic' || own.output.amount < 2n * more) return undefined;
    const rest = { ...own.output, amount: own.output.amount - more };
    return traffic.signed([bond, own], [{ ...output, amount: output.amount + more }, rest]);
  }

  /** All of it, or a part. */
  #unbond(bond: Bond, nowMs: number): Payload {
    const { random, traffic } = this.#deps;
    const { output } = bond;
    const unbondAt = Math.floor(nowMs / 1_000) + VALIDATOR_UNBOND_SECONDS + UNBOND_MARGIN_SECONDS;
    const isWhole = random.chance(0.6) || output.amount < PARTED_MIN;
    const taken = isWhole ? output.amount : output.amount / 3n;
    const leaving = { ...output, amount: taken, unbondAt };
    const stays = { ...output, amount: output.amount - taken };
    return traffic.signed([bond], stays.amount === 0n ? [leaving] : [leaving, stays]);
  }

  /** Out of the bond at once, which the ledger must not allow. */
  #steal(bond: Bond): Payload {
    const { amount, owner } = bond.output;
    return this.#deps.traffic.signed([bond], [{ kind: 'basic', amount, address: owner }]);
  }

  #slash({ outputId, output }: Bond): Payload | undefined {
    const { random, rules } = this.#deps;
    const { params, start } = rules;
    const evidence = this.#evidenceOf(output);
    const rewardAddress = random.chance(0.5) ? output.owner : undefined;
    const plan = { networkId: start.networkId, params, outputId, bond: output, rewardAddress };
    return evidence && slashTransaction({ ...plan, evidence });
  }
}

function isActive(record: OutputRecord): record is Bond {
  return record.output.kind === 'validator-bond' && record.output.unbondAt === 0;
}
