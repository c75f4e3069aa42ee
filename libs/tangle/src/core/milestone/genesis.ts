/**
 * Milestone 0: the state that a genesis document defines. Nobody signs it; whoever has the same
 * document computes the same milestone. Path: `codec/genesis.ts` → here → a node's first batch, a
 * light client's root of trust. Spec: docs/spec/06-genesis.md.
 */
import { minimumAmount } from '../block/deposit.ts';
import type { Genesis } from '../codec/genesis.ts';
import {
  genesisToJson,
  genesisTransactionId,
  networkIdOf,
  parseGenesisJson,
} from '../codec/genesis.ts';
import type { MilestoneId, TransactionId } from '../codec/ids.ts';
import { GENESIS_BLOCK_ID, idToBytes, NO_MILESTONE_ID, outputIdOf } from '../codec/ids.ts';
import { bitmapLengthOf } from '../codec/certificate.ts';
import type { Milestone, MilestoneBody, MilestoneHeader } from '../codec/milestone.ts';
import { milestoneIdOf, optionsRootOf } from '../codec/milestone.ts';
import type { Output } from '../codec/output.ts';
import { isCanonicalPublicKey } from '../crypto/ed25519-strict.ts';
import { merkleRoot } from '../crypto/merkle.ts';
import { rootOfIds } from '../ledger/apply-milestone.ts';
import type { OutputRecord } from '../ledger/ledger-diff.ts';
import { stateEntryOf } from '../ledger/ledger-diff.ts';
import { StateTree } from '../ledger/state-tree.ts';
import type { Outcome } from '../outcome.ts';
import { assert, fail, succeed } from '../outcome.ts';
import { MAX_COUNTED_BONDS } from '../params/limits.ts';
import type { Hasher } from '../ports.ts';
import { BondTable } from './bonds.ts';
import { checkCommittee, committeeRoot } from './committee.ts';
import { ELECTING_EPOCH_MIN } from './election.ts';
import type { ParentMilestone } from './rules.ts';

/** Everything that follows from a genesis document. */
export interface GenesisMilestone {
  readonly networkId: bigint;
  /** Id of milestone 0, the network's genesis id. */
  readonly id: MilestoneId;
  readonly header: MilestoneHeader;
  readonly body: MilestoneBody;
  /** As it is stored and served; its certificate has no signatures. */
  readonly milestone: Milestone;
  /** The id under which the first outputs stand. */
  readonly transactionId: TransactionId;
  /** The first ledger state, in the order of the document. */
  readonly outputs: readonly OutputRecord[];
  readonly stateTree: StateTree;
  /** For the rules of milestone 1. */
  readonly parent: ParentMilestone;
}

/**
 * Refuses a document that could not carry a network: what its JSON form would refuse, a committee
 * key that can never sign by the STRICT rule, epochs too short for elections, bonds that could be
 * too many to count, an output below its storage deposit.
 * Code: `genesis-invalid`, the detail names the field.
 */
export function checkGenesis(genesis: Genesis): Outcome<void> {
  const form = parseGenesisJson(genesisToJson(genesis));
  if (!form.ok) return form;
  const { committee, params } = genesis;
  if (!checkCommittee(committee).ok || !committee.every((key) => isCanonicalPublicKey(key))) {
    return fail('genesis-invalid', 'committee');
  }
  const electing = checkElecting(genesis);
  if (!electing.ok) return electing;
  const small = genesis.outputs.findIndex((output) => {
    const basic: Output = { kind: 'basic', ...output };
    return output.amount < minimumAmount(basic, params);
  });
  return small === -1 ? succeed(undefined) : fail('genesis-invalid', `outputs[${small}].amount`);
}

function checkElecting({ params, outputs }: Genesis): Outcome<void> {
  const { validatorBondMin, epochLength } = params;
  if (validatorBondMin === 0n) return succeed(undefined);
  if (epochLength < ELECTING_EPOCH_MIN) return fail('genesis-invalid', 'params.epochLength');
  const supply = outputs.reduce((sum, { amount }) => sum + amount, 0n);
  return supply / validatorBondMin <= MAX_COUNTED_BONDS
    ? succeed(undefined)
    : fail('genesis-invalid', 'params.validatorBondMin');
}

/** Parses and checks a genesis document's JSON. Codes: `too-large`, `genesis-invalid`. */
export function loadGenesis(text: string): Outcome<Genesis> {
  const parsed = parseGenesisJson(text);
  if (!parsed.ok) return parsed;
  const checked = checkGenesis(parsed.value);
  return checked.ok ? parsed : checked;
}

/** Computes milestone 0 of a checked document. */
export function genesisMilestone(genesis: Genesis, hasher: Hasher): GenesisMilestone {
  const { committee, timestampMs } = genesis;
  const transactionId = genesisTransactionId(genesis, hasher);
  const outputs = genesisOutputs(genesis, transactionId);
  const entries = outputs.map((record) => stateEntryOf(record, hasher));
  const stateTree = StateTree.build(entries, hasher);
  const body: MilestoneBody = { parents: [GENESIS_BLOCK_ID], options: {} };
  const header: MilestoneHeader = {
    version: 1,
    epoch: 0,
    index: 0,
    view: 0n,
    timestampMs,
    previousId: NO_MILESTONE_ID,
    parentsRoot: rootOfIds(body.parents, hasher),
    inclusionRoot: rootOfIds([GENESIS_BLOCK_ID], hasher),
    appliedRoot: merkleRoot([], hasher),
    stateRoot: stateTree.root(),
    committeeRoot: committeeRoot(committee, hasher),
    optionsRoot: optionsRootOf(body.options, hasher),
  };
  const id = milestoneIdOf(header, hasher);
  return {
    networkId: networkIdOf(genesis, hasher),
    id,
    header,
    body,
    milestone: { header, body, certificate: unsigned(id, committee.length) },
    transactionId,
    outputs,
    stateTree,
    parent: {
      id,
      header,
      parents: body.parents,
      powLoadBits: 0,
      stateTree,
      committee,
      elected: undefined,
      bonds: BondTable.empty(genesis.params.validatorBondMin),
    },
  };
}

function genesisOutputs(genesis: Genesis, transactionId: TransactionId): OutputRecord[] {
  return genesis.outputs.map(({ address, amount }, index) => ({
    outputId: outputIdOf(transactionId, index),
    output: { kind: 'basic', amount, address },
    blockId: GENESIS_BLOCK_ID,
    milestoneIndex: 0,
    milestoneTimestampMs: genesis.timestampMs,
  }));
}

function unsigned(id: MilestoneId, committeeSize: number): Milestone['certificate'] {
  assert(committeeSize > 0, 'a committee has a seat');
  const bitmapLength = bitmapLengthOf(committeeSize);
  const digest = idToBytes(id);
  const statement = { kind: 'finalize', epoch: 0, view: 0n, digest } as const;
  return { ...statement, bitmapLength, signers: [], signatures: [] };
}
