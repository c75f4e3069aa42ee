/**
 * What a test sees of a committee from outside, by the APIs of its members: whether milestones come
 * or stand still, whether all have one chain, and who votes. After: committee-processes.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { searchNonce } from '@tanglemail/tangle/core/block/pow.ts';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { decodeMilestone, milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { checkFinality } from '@tanglemail/tangle/core/milestone/certificate.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { LightClient } from '@tanglemail/tangle/core/milestone/light-client.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { BlockIssuer } from '@tanglemail/tangle/io/node-client/block-issuer.ts';
import { ProofChecker } from '@tanglemail/tangle/io/node-client/proof-checker.ts';
import { Wallet } from '@tanglemail/tangle/io/node-client/wallet.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import type { Member } from './committee-processes.ts';
import { confirmedIndex } from './private-network.ts';
import { metricOf } from './small-market.ts';

/** The longest that anything here may take, on a machine that is busy with other things. */
export const WAIT_MS = 90_000;
const CLOCK = { nowMs: (): number => Date.now() };

export async function indexesOf(members: readonly Member[]): Promise<number[]> {
  return await Promise.all(members.map(confirmedIndex));
}

/** All of them get `count` milestones further than the first of them is now. */
export async function goOn(members: readonly Member[], count: number): Promise<void> {
  const target = Math.max(...(await indexesOf(members))) + count;
  await until(`all confirm milestone ${target}`, WAIT_MS, async () => {
    const indexes = await indexesOf(members);
    return indexes.every((index) => index >= target) ? true : new NotYet(indexes.join(', '));
  });
}

/**
 * Waits until all have come to rest at one index, as what was under way may still become final, and
 * looks again after `forMs`. Resolves with where they stood then and stand now.
 */
export async function restOf(
  members: readonly Member[],
  forMs: number,
): Promise<{ stood: number[]; stand: number[] }> {
  const stood = await until('all come to rest', WAIT_MS, async () => {
    const before = await indexesOf(members);
    await sleep(REST_MS);
    const indexes = await indexesOf(members);
    const isRest = new Set([...before, ...indexes]).size === 1;
    return isRest ? indexes : new NotYet(indexes.join(', '));
  });
  await sleep(forMs);
  return { stood, stand: await indexesOf(members) };
}

/** Several milestone intervals, and longer than a message under way. */
const REST_MS = 1_500;

/** Waits until `/health` gives a reason like that. */
export async function tells({ at, client }: Member, reason: RegExp): Promise<void> {
  await until(`member ${at} says ${reason.source}`, WAIT_MS, async () => {
    const { reasons } = await client.health();
    return reasons.some((one) => reason.test(one)) ? true : new NotYet(reasons.join('; '));
  });
}

/** New votes of a seat that reached a member since its start. */
export async function votesAt(observer: Member, seat: number): Promise<number> {
  return await metricOf(observer, `tangle_agreement_seat_votes_total{seat="${seat}"}`);
}

/** Waits until votes of a seat reach a member that it had not heard. */
export async function hears(observer: Member, seat: number): Promise<void> {
  const before = await votesAt(observer, seat);
  await until(`member ${observer.at} hears seat ${seat}`, WAIT_MS, async () => {
    const votes = await votesAt(observer, seat);
    return votes >= before + 2 ? true : new NotYet(`${votes} votes, ${before} before`);
  });
}

/**
 * Waits until all vote. At a new network one that starts behind the others is silent at first, and
 * as good as down (docs/spec/16-signer.md §3).
 */
export async function allVote(members: readonly Member[]): Promise<void> {
  await Promise.all(
    members.map(async ({ at: seat }) => {
      const observer = members.find(({ at }) => at !== seat);
      if (observer !== undefined) await hears(observer, seat);
    }),
  );
}

/** A milestone as it was shown, whose certificate was found right. */
interface Proven {
  readonly bytes: Uint8Array;
  readonly id: string;
}

/** The milestones that anybody ever showed: there may be one for each index. */
export class ChainBook {
  readonly #ids: string[] = [];
  /** The last one that was proven at each index: the same bytes are not proven again. */
  readonly #proven: Proven[] = [];
  /** Up to where the chain of a process was read; one that starts again is read from the start. */
  readonly #read = new WeakMap<Member['process'], number>();
  readonly #genesis: Genesis;
  readonly #networkId: bigint;
  readonly #verifier: Verifier;

  private constructor(genesis: Genesis, verifier: Verifier) {
    this.#genesis = genesis;
    this.#networkId = genesisMilestone(genesis, nobleHasher).networkId;
    this.#verifier = verifier;
  }

  static async open(genesis: Genesis): Promise<ChainBook> {
    return new ChainBook(genesis, await bestVerifier());
  }

  /** Milestones that were seen, without that of the genesis. */
  get height(): number {
    return this.#ids.length;
  }

  /**
   * Reads every milestone that each of them holds and its process has not shown before, with
   * `isWhole` also those, and holds it against what anybody showed; its id names the ledger by the
   * state root, and a quorum must have signed it. Resolves with what is wrong, in words, and with
   * the index that all have come to.
   */
  async compare(
    members: readonly Member[],
    { isWhole = false }: { readonly isWhole?: boolean } = {},
  ): Promise<{ height: number; wrong: string[] }> {
    const indexes = await indexesOf(members);
    const faults = members.map((member, place) => {
      const from = isWhole ? 0 : (this.#read.get(member.process) ?? 0);
      return this.#faultsOf(member, from, indexes[place] ?? 0);
    });
    return { height: Math.min(...indexes), wrong: (await Promise.all(faults)).flat() };
  }

  async #faultsOf(member: Member, from: number, to: number): Promise<string[]> {
    const wrong: string[] = [];
    for (let index = from + 1; index <= to; index += 1) {
      const shown = await this.#shown(member, index);
      this.#ids[index - 1] ??= shown;
      const known = this.#ids[index - 1];
      if (shown !== known) wrong.push(`${index} at ${member.at}: ${shown}, not ${known}`);
    }
    // What was wrong is told again each time.
    if (wrong.length === 0) this.#read.set(member.process, to);
    return wrong;
  }

  async #shown({ client }: Member, index: number): Promise<string> {
    const bytes = await client.milestone(index);
    const proven = this.#proven[index];
    if (proven !== undefined && Buffer.compare(proven.bytes, bytes) === 0) return proven.id;
    const decoded = decodeMilestone(bytes);
    if (!decoded.ok) return decoded.code;
    const { header, certificate } = decoded.value;
    const { committee } = this.#genesis;
    const crypto = { hasher: nobleHasher, verifier: this.#verifier };
    const checked = checkFinality(header, certificate, committee, this.#networkId, crypto);
    if (!checked.ok) return checked.code;
    const id = milestoneIdOf(header, nobleHasher);
    this.#proven[index] = { bytes, id };
    return id;
  }
}

/** A wallet on a member's API, and what sends blocks through it. */
export function walletOf({ client }: Member, genesis: Genesis) {
  const { networkId } = genesisMilestone(genesis, nobleHasher);
  const network = { networkId, params: genesis.params };
  const shared = { client, node: client, hasher: nobleHasher, clock: CLOCK };
  const checker = new ProofChecker(LightClient.fromGenesis(genesis), shared);
  const proofOfWork = {
    solve: (digest: Uint8Array, bits: number) => {
      const nonce = searchNonce(digest, bits, 0n, 10_000_000, nobleHasher);
      if (nonce === undefined) throw new Error('a few bits are found in ten million tries');
      return Promise.resolve({ nonce });
    },
  };
  const issuer = new BlockIssuer({ ...network, pollMs: 200 }, { ...shared, proofOfWork, checker });
  return { issuer, wallet: new Wallet(network, { ...shared, issuer, checker }) };
}

/** Sends a small block through a member; `confirmed` waits until a milestone has it. */
export async function sendBlock(
  member: Member,
  genesis: Genesis,
): Promise<{ confirmed(): Promise<void> }> {
  const { issuer } = walletOf(member, genesis);
  const text = Buffer.from(`sent through ${member.at}`);
  const block = await issuer.issue({ kind: 'tagged-data', tag: text, data: text });
  return {
    confirmed: async () => {
      await issuer.awaitConfirmation(block, { timeoutMs: WAIT_MS });
    },
  };
}
