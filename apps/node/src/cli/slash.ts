/**
 * Evidence by hand: reads what `tools db evidence --json` prints and takes the unspent bonds of the
 * keys that it convicts. Nodes do this by themselves (slashing/slasher.ts); this is for evidence
 * that came another way. Path: validator.ts → here → core/ledger/slash.ts.
 */
import { readFile } from 'node:fs/promises';
import { decodeConsensusMessage } from '@tanglemail/tangle/core/codec/consensus.ts';
import { signedMessage } from '@tanglemail/tangle/core/codec/certificate.ts';
import { bytesToHex, hexToBytes, type Address } from '@tanglemail/tangle/core/codec/ids.ts';
import type { EvidenceUnlock } from '@tanglemail/tangle/core/codec/unlock.ts';
import { evidenceUnlockOf, type Evidence } from '@tanglemail/tangle/core/consensus/round.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { slashTransaction } from '@tanglemail/tangle/core/ledger/slash.ts';
import { jsonOf } from '@tanglemail/tangle/io/json-text.ts';
import { UsageError } from '@tanglemail/tangle/io/shell/terminal.ts';
import { z } from 'zod';
import type { NodeWallet } from '../node-wallet.ts';
import { findBonds, type HeldBond } from './bonds.ts';

/** What became of one bond. */
export interface Slashing extends HeldBond {
  readonly milestoneIndex: number;
  /** Why it was not this transaction that took it; undefined when it was. */
  readonly conflict: string | undefined;
}

/** A key and what it signed in one view. */
export interface Conviction {
  readonly publicKey: Uint8Array;
  readonly evidence: EvidenceUnlock;
}

/** Entries of the file; those of forks have no messages and are passed over. */
const ENTRY = z.object({
  publicKey: z.string().regex(/^[0-9a-f]{64}$/),
  messages: z.tuple([z.string(), z.string()]),
});
const MAX_ENTRIES = 10_000;

/**
 * One conviction per key of a file, each checked for `networkId`. Throws UsageError for a file of
 * another form and for evidence that proves nothing.
 */
export async function readConvictions(path: string, networkId: bigint): Promise<Conviction[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`cannot read ${path}`, { cause });
  });
  const content = z.array(z.unknown()).max(MAX_ENTRIES).safeParse(jsonOf(text));
  if (!content.success) throw new UsageError(`${path} is not what \`tools db evidence\` prints`);
  const byKey = new Map<string, Conviction>();
  for (const one of content.data) {
    const entry = ENTRY.safeParse(one);
    if (!entry.success || byKey.has(entry.data.publicKey)) continue;
    const publicKey = hexToBytes(entry.data.publicKey);
    const evidence = evidenceUnlockOf(evidenceOf(entry.data.messages), nobleHasher);
    if (!convicts(evidence, publicKey, networkId)) {
      throw new UsageError(`${path}: this evidence proves nothing against ${entry.data.publicKey}`);
    }
    byKey.set(entry.data.publicKey, { publicKey, evidence });
  }
  if (byKey.size === 0) throw new UsageError(`${path} has no evidence against a seat`);
  return [...byKey.values()];
}

function evidenceOf(messages: readonly [string, string]): Evidence {
  const [first, second] = messages.map((hex) => {
    const message = decodeConsensusMessage(Buffer.from(hex, 'hex'));
    if (!message.ok) throw new UsageError(`the evidence cannot be read: ${message.code}`);
    return message.value;
  });
  if (first?.type === 'vote' && second?.type === 'vote') {
    return { kind: 'votes', seat: first.vote.seat, pair: [first.vote, second.vote] };
  }
  if (first?.type === 'proposal' && second?.type === 'proposal') {
    return { kind: 'proposals', seat: 0, pair: [first.proposal, second.proposal] };
  }
  throw new UsageError('the evidence cannot be read: two kinds of messages');
}

/** Whether both statements are the key's; what contradicts is checked by every node. */
function convicts(
  { epoch, view, statements }: EvidenceUnlock,
  publicKey: Uint8Array,
  networkId: bigint,
): boolean {
  return statements.every(({ kind, digest, signature }) => {
    const message = signedMessage(networkId, kind, epoch, view, digest);
    return nobleVerifier.verify(publicKey, message, signature);
  });
}

/** Takes unspent bonds of a key, one transaction each. Throws UsageError when there are none. */
export async function slashBonds(
  access: NodeWallet,
  { publicKey, evidence }: Conviction,
  rewardAddress: Address | undefined,
): Promise<Slashing[]> {
  const { networkId, genesis, issuer } = access;
  const bonds = await findBonds(access, { publicKey });
  if (bonds.length === 0) {
    throw new UsageError(`the key ${bytesToHex(publicKey)} has no unspent bond`);
  }
  const done: Slashing[] = [];
  for (const held of bonds) {
    const { outputId, bond } = held;
    const plan = { networkId, params: genesis.params, outputId, bond, evidence, rewardAddress };
    const confirmation = await issuer.issueAndConfirm(slashTransaction(plan));
    const { state, conflict, milestoneIndex } = confirmation;
    const why = state === 'included' ? undefined : (conflict ?? 'unknown');
    done.push({ ...held, milestoneIndex, conflict: why });
  }
  return done;
}
