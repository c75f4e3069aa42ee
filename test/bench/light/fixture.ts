/** Makes what checks.ts reads: a milestone over many blocks and many unspent outputs. */
import { encodeCheckpoint } from '../../../libs/tangle/src/core/codec/checkpoint.ts';
import {
  bytesToHex,
  GENESIS_BLOCK_ID,
  idToBytes,
  type Address,
  type BlockId,
} from '../../../libs/tangle/src/core/codec/ids.ts';
import { encodeMilestone, optionsRootOf } from '../../../libs/tangle/src/core/codec/milestone.ts';
import { encodeOutput } from '../../../libs/tangle/src/core/codec/output.ts';
import { auditPath, encodeAuditPath } from '../../../libs/tangle/src/core/crypto/merkle.ts';
import { rootOfIds } from '../../../libs/tangle/src/core/ledger/apply-milestone.ts';
import { encodeStateProof } from '../../../libs/tangle/src/core/ledger/state-proof.ts';
import { StateTree } from '../../../libs/tangle/src/core/ledger/state-tree.ts';
import { signMilestone } from '../../../libs/tangle/src/core/milestone/build.ts';
import { assembleCertificate } from '../../../libs/tangle/src/core/milestone/certificate.ts';
import { committeeRoot } from '../../../libs/tangle/src/core/milestone/committee.ts';
import { LightClient } from '../../../libs/tangle/src/core/milestone/light-client.ts';
import type { Hasher } from '../../../libs/tangle/src/core/ports.ts';
import {
  basic,
  committeeKeys,
  keyPair,
  testBlock,
  testGenesis,
} from '../../../libs/tangle/src/core/testing/ledger-fixtures.ts';
import { outputNumber } from '../state-trees/outputs.ts';
import type { LightFixture } from './checks.ts';

const OWN_OUTPUTS = 10;
const SEATS = [4, 16, 32];

export interface FixtureSize {
  /** Blocks that the milestone newly references. */
  readonly blocks: number;
  /** Unspent outputs after it. */
  readonly outputs: number;
}

/** The state after the milestone: ten outputs of `address` among those of strangers. */
function makeState(outputs: number, address: Address, hasher: Hasher) {
  const own = Array.from({ length: OWN_OUTPUTS }, (_, index) => ({
    outputId: outputNumber(outputs + index, hasher).outputId,
    bytes: encodeOutput(basic(1_000n + BigInt(index), address)),
  }));
  const strangers = Array.from({ length: outputs - OWN_OUTPUTS }, (_, index) =>
    outputNumber(index, hasher),
  );
  const entries = own.map(({ outputId, bytes }) => ({
    outputId,
    outputHash: hasher.blake2b256(bytes),
  }));
  const tree = StateTree.build([...entries, ...strangers], hasher);
  const proven = own.map(({ outputId, bytes }) => {
    const proof = tree.proof(outputId);
    if (proof === undefined) throw new Error('what was put in is unspent');
    return { outputId, bytes, proof };
  });
  return { root: tree.root(), proven };
}

/** A block of 600 bytes among others of one milestone. */
function makeBlocks(count: number, hasher: Hasher) {
  const payload = { kind: 'envelope', bytes: new Uint8Array(540).fill(5) } as const;
  const block = testBlock([GENESIS_BLOCK_ID], payload);
  const ids = Array.from({ length: count - 1 }, (_, index) => {
    return outputNumber(index, hasher).outputId.slice(0, 64) as BlockId;
  });
  ids.splice(count >>> 1, 0, block.id);
  const leaves = ids.map((id) => idToBytes(id));
  return { block, ids, path: auditPath(leaves, count >>> 1, hasher) };
}

/** The milestone under a committee of `seats`, and the checkpoint of a client at its genesis. */
function certify(seats: number, roots: { inclusion: Uint8Array; state: Uint8Array }, by: Hasher) {
  const genesis = testGenesis(seats);
  const { state } = LightClient.fromGenesis(genesis);
  const body = { parents: [GENESIS_BLOCK_ID], options: {} };
  const header = {
    ...state.newest,
    index: 1,
    view: 1n,
    timestampMs: genesis.timestampMs + 1_000,
    parentsRoot: rootOfIds(body.parents, by),
    inclusionRoot: roots.inclusion,
    stateRoot: roots.state,
    committeeRoot: committeeRoot(genesis.committee, by),
    optionsRoot: optionsRootOf(body.options, by),
  };
  const votes = committeeKeys(seats).map(({ secretKey }, seat) =>
    signMilestone(header, 'finalize', { networkId: state.networkId, seat, secretKey }, by),
  );
  const certificate = assembleCertificate(votes, seats);
  if (certificate === undefined) throw new Error('all seats are a quorum');
  return {
    seats,
    checkpoint: bytesToHex(encodeCheckpoint(state)),
    milestone: bytesToHex(encodeMilestone({ header, body, certificate })),
  };
}

export function makeLightFixture({ blocks, outputs }: FixtureSize, hasher: Hasher): LightFixture {
  const { address } = keyPair(1);
  const state = makeState(outputs, address, hasher);
  const { block, ids, path } = makeBlocks(blocks, hasher);
  const roots = { inclusion: rootOfIds(ids, hasher), state: state.root };
  return {
    committees: SEATS.map((seats) => certify(seats, roots, hasher)),
    nowMs: testGenesis(1).timestampMs + 2_000,
    block: bytesToHex(block.bytes),
    inclusionPath: bytesToHex(encodeAuditPath(path)),
    address,
    outputs: state.proven.map(({ outputId, bytes, proof }) => ({
      outputId,
      output: bytesToHex(bytes),
      path: bytesToHex(encodeStateProof(proof)),
    })),
    depths: { block: path.siblings.length, output: state.proven[0]?.proof.steps.length ?? 0 },
  };
}
