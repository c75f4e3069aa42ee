/**
 * What `tools db check`, `info` and `evidence` do; loaded when one of them runs, so that help is
 * quick. Path: db.ts → here → db-check.ts.
 * Spec: docs/operating.md, "When the store is in doubt".
 */
import { join } from 'node:path';
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeMilestone, milestoneIdOf } from '@tanglemail/tangle/core/codec/milestone.ts';
import {
  encodeConsensusMessage,
  type ConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';
import type { Hasher } from '@tanglemail/tangle/core/ports.ts';
import { genesisMilestone } from '@tanglemail/tangle/core/milestone/genesis.ts';
import { bestHasher } from '@tanglemail/tangle/io/accel/hasher.ts';
import { bestVerifier } from '@tanglemail/tangle/io/accel/verifier.ts';
import { BUCKETS, prefixRange } from '@tanglemail/tangle/io/level/buckets.ts';
import {
  readContradictions,
  statementsOf,
} from '@tanglemail/tangle/io/level/contradiction-repository.ts';
import { readElections } from '@tanglemail/tangle/io/level/election-repository.ts';
import { folderSize } from '@tanglemail/tangle/io/level/folder-size.ts';
import { openKvStore, type KvStore } from '@tanglemail/tangle/io/level/kv-store.ts';
import { MilestoneRepository } from '@tanglemail/tangle/io/level/milestone-repository.ts';
import { NODE_SCHEMA } from '@tanglemail/tangle/io/level/milestone-batch.ts';
import { readNodeState, readPruned } from '@tanglemail/tangle/io/level/node-state-repository.ts';
import { StoreError } from '@tanglemail/tangle/io/level/store-error.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { committeesOf, type Committees } from '../committees.ts';
import { bytesText } from '../status-line.ts';
import { NodeStore } from '../store/node-store.ts';
import { StoreCheck, type StoreReport } from './db-check.ts';

/** The store of a node that does not run, and its network. */
export interface StoredNetwork {
  readonly storePath: string;
  readonly genesis: Genesis;
}

const PROGRESS_MS = 2_000;

/** Checks everything; throws StoreError `corrupt` after the report when something is wrong. */
export async function checkStore(
  terminal: Terminal,
  place: StoredNetwork,
  json: boolean,
): Promise<void> {
  const { storePath, genesis } = place;
  const [hasher, verifier] = await Promise.all([bestHasher(), bestVerifier()]);
  const root = genesisMilestone(genesis, hasher);
  terminal.err('reading the ledger: state root and supply …\n');
  const opened = await NodeStore.open(storePath, root, hasher).catch((error: unknown) => {
    throw whyNot(error);
  });
  const { store, latest } = opened;
  try {
    const { networkId } = root;
    const onProgress = progressOn(terminal);
    const { params } = genesis;
    const committees = committeesOf({
      params,
      genesis: genesis.committee,
      elections: store.elections(0, Number.POSITIVE_INFINITY),
      latestIndex: latest.header.index,
    });
    const deps = { store, networkId, params, committees, hasher, verifier, onProgress };
    const report = await new StoreCheck(deps).run(latest.header.index);
    if (json) outJson(terminal, report);
    else terminal.out(reportText(report));
    if (report.problemCount > 0) {
      const count = report.problemCount === 1 ? '1 problem' : `${report.problemCount} problems`;
      throw new StoreError(
        'corrupt',
        `${count}; see docs/operating.md, “When the store is in doubt”`,
      );
    }
  } finally {
    await store.close();
  }
}

/** A line on the way at most every two seconds. */
function progressOn(terminal: Terminal): (what: string, done: number, all: number) => void {
  let toldMs = performance.now();
  return (what, done, all) => {
    if (performance.now() - toldMs < PROGRESS_MS) return;
    toldMs = performance.now();
    terminal.err(all > 0 ? `${what}: ${done} of ${all}\n` : `${what}: ${done}\n`);
  };
}

function reportText(report: StoreReport): string {
  const { problems, problemCount } = report;
  const lines = [
    'ledger       state root and supply are right',
    `milestones   ${report.milestones}, from ${report.from} to ${report.to}`,
    `blocks       ${report.blocks}, ${bytesText(report.blockBytes)}; ` +
      `${report.unreferencedBlocks} of them wait for a milestone`,
    `ledger       ${report.transactionsApplied} transactions applied, ` +
      `${report.unspentOutputs} unspent outputs`,
    ...problems.map((problem) => `PROBLEM      ${problem}`),
  ];
  const untold = problemCount - problems.length;
  if (untold > 0) lines.push(`             and ${untold} more`);
  lines.push(problemCount === 0 ? 'everything is whole' : 'the store is DAMAGED');
  return `${lines.join('\n')}\n`;
}

/** A store that another process has open is that of a running node. */
function whyNot(error: unknown): unknown {
  if (!(error instanceof StoreError) || error.code !== 'locked') return error;
  return new UsageError('a node runs in this folder: stop it first', { cause: error });
}

/** Opens the store as it is; the caller closes it. */
async function openPlace({ storePath, genesis }: StoredNetwork): Promise<KvStore> {
  const { networkId } = genesisMilestone(genesis, await bestHasher());
  const owner = { kind: 'node', networkId, schema: NODE_SCHEMA };
  return await openKvStore(storePath, owner).catch((error: unknown) => {
    throw whyNot(error);
  });
}

/** Prints indexes and sizes. */
export async function showStore(
  terminal: Terminal,
  place: StoredNetwork,
  json: boolean,
): Promise<void> {
  const kv = await openPlace(place);
  try {
    const state = readNodeState(kv);
    if (state === undefined) throw new StoreError('corrupt', 'it has no genesis');
    const { removedIndex, entryIndex } = readPruned(kv);
    const facts = {
      network: place.genesis.name,
      latestIndex: state.index,
      latestId: state.id,
      timestampMs: state.timestampMs,
      stateRoot: Buffer.from(state.stateRoot).toString('hex'),
      unspentOutputs: state.unspentCount,
      prunedIndex: Math.max(removedIndex, entryIndex),
      snapshotIndex: entryIndex,
      diskBytes: await folderSize(place.storePath),
      // What stands in a damaged folder is still shown.
      blockFileBytes: await folderSize(join(place.storePath, 'blocks')).catch(() => 0),
      buckets: await measureBuckets(kv, terminal),
    };
    if (json) outJson(terminal, facts);
    else terminal.out(infoText(facts));
  } finally {
    await kv.close();
  }
}

/**
 * Prints what was kept as proof: the milestones that halted the node, which `clear` removes after
 * it, and the seats that contradicted themselves, which halt nothing and stay.
 */
export async function showEvidence(
  terminal: Terminal,
  place: StoredNetwork,
  json: boolean,
  clear: boolean,
): Promise<void> {
  const kv = await openPlace(place);
  try {
    const hasher = await bestHasher();
    const found = (await new MilestoneRepository(kv).evidence()).map(({ index, bytes }) => {
      const milestone = decodeMilestone(bytes);
      const id = milestone.ok ? milestoneIdOf(milestone.value.header, hasher) : 'unreadable';
      return { index, id, bytes: bytesToHex(bytes) };
    });
    const committees = committeesOf({
      params: place.genesis.params,
      genesis: place.genesis.committee,
      elections: await readElections(kv),
      latestIndex: readNodeState(kv)?.index ?? 0,
    });
    const seats = await contradictionsOf(kv, committees, hasher);
    if (json) outJson(terminal, [...found, ...seats]);
    else if (found.length + seats.length === 0) terminal.out('there is no evidence\n');
    else terminal.out([...found.map(milestoneText), ...seats.map(contradictionText)].join(''));
    if (!clear || found.length === 0) return;
    const batch = kv.batch();
    const range = prefixRange(Uint8Array.of(BUCKETS.evidence.number));
    for await (const [key] of kv.iterate(range)) batch.del(key);
    await batch.write({ sync: true });
    terminal.err('the evidence is removed: the node follows the committee again when it starts\n');
  } finally {
    await kv.close();
  }
}

/** A milestone of a fork, or one that broke a rule here. */
interface KeptMilestone {
  readonly index: number;
  readonly id: string;
  readonly bytes: string;
}

/** Two statements of one seat in one view: what it says in words, and the messages in hex. */
interface KeptContradiction {
  readonly epoch: number;
  readonly view: string;
  readonly seat: number;
  readonly publicKey: string;
  readonly says: readonly string[];
  readonly messages: readonly string[];
}

async function contradictionsOf(
  kv: KvStore,
  committees: Committees,
  hasher: Hasher,
): Promise<KeptContradiction[]> {
  const kept = await readContradictions(kv);
  return kept.map((evidence) => {
    const [{ epoch, view }] = evidence.pair;
    const { seat } = evidence;
    const publicKey = bytesToHex(committees.of(epoch)[seat] ?? new Uint8Array());
    const statements = statementsOf(evidence);
    const says = statements.map((message) => wordsOf(message, hasher));
    const messages = statements.map((message) => bytesToHex(encodeConsensusMessage(message)));
    return { epoch, view: `${view}`, seat, publicKey, says, messages };
  });
}

function wordsOf(message: ConsensusMessage, hasher: Hasher): string {
  if (message.type === 'proposal') {
    return `propose ${milestoneIdOf(message.proposal.header, hasher)}`;
  }
  const { kind, digest } = message.type === 'vote' ? message.vote : message.certificate;
  return kind === 'nullify' ? kind : `${kind} ${bytesToHex(digest)}`;
}

function milestoneText({ index, id, bytes }: KeptMilestone): string {
  return `${index} ${id}\n${bytes}\n`;
}

function contradictionText(kept: KeptContradiction): string {
  const { epoch, view, seat, publicKey, says, messages } = kept;
  const lines = says.map((words, at) => `${words}\n${messages[at] ?? ''}\n`);
  return `seat ${seat} (${publicKey}), epoch ${epoch}, view ${view}, says both\n${lines.join('')}`;
}

interface BucketSize {
  readonly bucket: string;
  readonly entries: number;
  readonly bytes: number;
}

/** Entries and bytes of each bucket; reads every key and value once. */
async function measureBuckets(kv: KvStore, terminal: Terminal): Promise<BucketSize[]> {
  const onProgress = progressOn(terminal);
  const sizes: BucketSize[] = [];
  for (const [bucket, { number }] of Object.entries(BUCKETS)) {
    let entries = 0;
    let bytes = 0;
    for await (const [key, value] of kv.iterate(prefixRange(Uint8Array.of(number)))) {
      entries += 1;
      bytes += key.length + value.length;
      if (entries % 4_096 === 0) onProgress(bucket, entries, 0);
    }
    sizes.push({ bucket, entries, bytes });
  }
  return sizes;
}

interface InfoFacts {
  readonly network: string;
  readonly latestIndex: number;
  readonly timestampMs: number;
  readonly stateRoot: string;
  readonly unspentOutputs: number;
  readonly prunedIndex: number;
  readonly diskBytes: number;
  readonly blockFileBytes: number;
  readonly buckets: readonly BucketSize[];
}

function infoText(facts: InfoFacts): string {
  const { prunedIndex, latestIndex, buckets } = facts;
  const time = new Date(facts.timestampMs).toISOString();
  const lines = [
    `network      ${facts.network}`,
    `milestone    ${latestIndex} of ${time}`,
    `state root   ${facts.stateRoot}`,
    `unspent      ${facts.unspentOutputs} outputs`,
    `pruned       ${prunedIndex === 0 ? 'nothing' : `up to milestone ${prunedIndex}`}`,
    `on the disk  ${bytesText(facts.diskBytes)}, ` +
      `${bytesText(facts.blockFileBytes)} of it the blocks themselves`,
    '',
    ...buckets.map(({ bucket, entries, bytes }) => {
      return `${bucket.padEnd(20)} ${`${entries}`.padStart(10)}  ${bytesText(bytes)}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}
