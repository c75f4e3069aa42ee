/**
 * Proofs of the node, checked in this browser by the light client: nothing here believes an answer.
 * It begins with the genesis that the node gives; its id is remembered from the first time on, so
 * that a node which suddenly tells of another network is found out. Loaded when it is first needed.
 * Spec: docs/spec/05-light-client.md.
 */
import { parseGenesisJson } from '@tanglemail/tangle/core/codec/genesis.ts';
import {
  hexToBytes,
  parseAddress,
  parseBlockId,
  parseOutputId,
} from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type {
  BalanceDto,
  BlockProofDto,
  ElectionsDto,
  MilestoneDto,
  OutputProofDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { ApiProblem } from '../daemon/problem.ts';
import type { NodeApi } from './node-api.ts';

/** What was checked, in the words of `node.checks`. */
export type CheckName =
  | 'certificate'
  | 'inclusion'
  | 'applied'
  | 'bytes'
  | 'unspent'
  | 'balance'
  | 'milestoneId';

export interface Checked {
  readonly checks: readonly CheckName[];
  /** Of the milestone that the proof leads to. */
  readonly milestoneIndex: number;
  /** Where the trust begins. */
  readonly genesisId: string;
  /** Base units that were proven, for a balance. */
  readonly amount?: bigint;
}

/** The part of the browser's storage that is used. */
export type GenesisMemory = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const GENESIS_NAME = 'tanglemail.genesis-id';

/** Another genesis than the first one of this address: code `genesis-changed`. */
export function rememberGenesis(id: string, memory: GenesisMemory): void {
  const known = memory.getItem(GENESIS_NAME);
  if (known === null) memory.setItem(GENESIS_NAME, id);
  else if (known !== id) throw new ApiProblem('genesis-changed', 0, `genesis ${id}, not ${known}`);
}

/** Lets the next check begin with whatever genesis the node gives. */
export function forgetGenesis(memory: GenesisMemory): void {
  memory.removeItem(GENESIS_NAME);
}

export class Verifier {
  readonly #api: Pick<NodeApi, 'get'>;
  readonly #checker: ProofChecker;
  readonly #genesisId: string;

  private constructor(api: Pick<NodeApi, 'get'>, checker: ProofChecker, genesisId: string) {
    this.#api = api;
    this.#checker = checker;
    this.#genesisId = genesisId;
  }

  /** Throws ApiProblem. */
  static async open(api: Pick<NodeApi, 'get' | 'text'>, memory: GenesisMemory): Promise<Verifier> {
    const genesis = parseGenesisJson(await api.text('genesis'));
    if (!genesis.ok) throw new ApiProblem(genesis.code, 0, 'the genesis is refused');
    const lightClient = LightClient.fromGenesis(genesis.value);
    const { genesisId } = lightClient.state;
    rememberGenesis(genesisId, memory);
    const client = {
      genesis: () => Promise.resolve(genesis.value),
      elections: async (after: number) => {
        const page = await api.get<ElectionsDto>(`elections?after=${after}`);
        const elections = page.elections.map(({ milestone }) => hexToBytes(milestone));
        return { elections, more: page.more };
      },
    };
    const clock = { nowMs: () => Date.now() };
    const checker = new ProofChecker(lightClient, { hasher: nobleHasher, clock, client });
    return new Verifier(api, checker, genesisId);
  }

  /** That a milestone references the block, and whether it applied it. Throws ProofError. */
  async block(text: string): Promise<Checked> {
    const id = parseBlockId(text);
    if (id === undefined) throw new ApiProblem('request-malformed', 0, 'this is no block id');
    const proof = await this.#api.get<BlockProofDto>(`blocks/${id}/proof`);
    const { milestone, applied } = await this.#checker.inclusion(id, proof);
    const checks: CheckName[] = ['bytes', 'certificate', 'inclusion'];
    return this.#told(milestone.header.index, applied ? [...checks, 'applied'] : checks);
  }

  /** That the committee certified the milestone of this index. Throws ProofError. */
  async milestone(index: number): Promise<Checked> {
    const { bytes, milestoneId } = await this.#api.get<MilestoneDto>(`milestones/${index}`);
    const { id, header } = await this.#checker.milestone(hexToBytes(bytes));
    if (id !== milestoneId || header.index !== index) {
      throw new ApiProblem('proof-invalid', 0, 'the node gave another milestone');
    }
    return this.#told(index, ['certificate', 'milestoneId']);
  }

  /** That the output is unspent by the state root of a fresh milestone. Throws ProofError. */
  async output(text: string): Promise<Checked> {
    const id = parseOutputId(text);
    if (id === undefined) throw new ApiProblem('request-malformed', 0, 'this is no output id');
    const proof = await this.#api.get<OutputProofDto>(`outputs/${id}/proof`);
    const { milestone } = await this.#checker.unspent(id, proof);
    return this.#told(milestone.header.index, ['certificate', 'unspent']);
  }

  /** The least that the address owns by the state root of a fresh milestone. Throws ProofError. */
  async balance(text: string): Promise<Checked> {
    const address = parseAddress(text);
    if (address === undefined) throw new ApiProblem('request-malformed', 0, 'this is no address');
    const balance = await this.#api.get<BalanceDto>(`addresses/${address}/balance`);
    if (balance.address !== address) {
      throw new ApiProblem('proof-invalid', 0, 'the node gave another address');
    }
    const amount = await this.#checker.balance(balance);
    const { header } = await this.#checker.milestone(hexToBytes(balance.milestone));
    return { ...this.#told(header.index, ['certificate', 'balance']), amount };
  }

  #told(milestoneIndex: number, checks: readonly CheckName[]): Checked {
    return { checks, milestoneIndex, genesisId: this.#genesisId };
  }
}
