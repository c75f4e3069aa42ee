/**
 * What `tools votes …` does; loaded when it runs. Every command holds the lock of the log, so that
 * no node writes it meanwhile. Path: votes.ts → here → agreement/vote-log.ts.
 * Spec: docs/spec/16-signer.md §4.
 */
import { access, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { nobleHasher } from '@tanglemail/tangle/core/crypto/blake2b.ts';
import { outJson, UsageError, type Terminal } from '@tanglemail/tangle/io/shell/terminal.ts';
import { syncFolder, writeFileAtomically } from '@tanglemail/tangle/io/write-file.ts';
import { openVoteDisk, VOTE_FILE, type VoteDisk } from '../agreement/vote-disk.ts';
import { VoteLog } from '../agreement/vote-log.ts';
import {
  encodeFrames,
  encodeOwner,
  readVotes,
  type Completeness,
  type StoredVotes,
  type VoteEntry,
} from '../agreement/vote-records.ts';
import { readKeyFile } from '../keys/key-file.ts';

/** `tools votes show`. */
export async function showVotes(terminal: Terminal, folder: string, json: boolean): Promise<void> {
  const facts = await inFolder(folder, (stored) => Promise.resolve(factsOf(stored)));
  if (json) outJson(terminal, facts);
  else terminal.out(textOf(facts));
}

/** `tools votes export`. */
export async function exportVotes(terminal: Terminal, folder: string, out: string): Promise<void> {
  await refuseExisting(out);
  const count = await inFolder(folder, async ({ owner, entries }) => {
    const frames = encodeFrames(entries, nobleHasher);
    const bytes = new Uint8Array(Buffer.concat([encodeOwner(owner), ...frames]));
    await writeFileAtomically(out, bytes, 0o600);
    return statementsOf(entries).length;
  });
  terminal.out(`${out}: ${count} statements\n`);
}

/** `tools votes import`. */
export async function importVotes(terminal: Terminal, folder: string, file: string): Promise<void> {
  const { owner, entries } = readVotes(await readFile(file), file, nobleHasher);
  const disk = await openVoteDisk(folder, owner.networkId);
  try {
    await refuseExisting(disk.path);
    const all: VoteEntry[] = [...entries, { type: 'silent', reason: 'imported' }];
    await VoteLog.create(disk, owner, nobleHasher, all);
  } finally {
    await disk.close();
  }
  terminal.out(`${disk.path}: ${statementsOf(entries).length} statements\n`);
}

/** `tools votes rotate`. */
export async function rotateVotes(terminal: Terminal, folder: string, file: string): Promise<void> {
  const { publicKey } = await readKeyFile(file);
  const aside = await inFolder(folder, async ({ owner }, disk) => {
    const old = bytesToHex(owner.publicKey);
    if (old === bytesToHex(publicKey)) throw new UsageError(`${disk.path} is of this key already`);
    const path = join(folder, `votes-${old.slice(0, 16)}.log`);
    await refuseExisting(path);
    await rename(disk.path, path);
    await syncFolder(folder);
    const first = { type: 'silent', reason: 'log-missing' } as const;
    await VoteLog.create(disk, { ...owner, publicKey }, nobleHasher, [first]);
    return path;
  });
  terminal.out(`${aside}: the votes of the old key\n`);
}

/** Runs `use` with what the log of `folder` holds while nobody else can write it. */
async function inFolder<T>(
  folder: string,
  use: (stored: StoredVotes, disk: VoteDisk) => Promise<T>,
): Promise<T> {
  const path = join(folder, VOTE_FILE);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new UsageError(`there is no ${VOTE_FILE} in ${folder}`, { cause });
  });
  const { owner } = readVotes(bytes, path, nobleHasher);
  const disk = await openVoteDisk(folder, owner.networkId);
  try {
    // Again: a node may have written between the two.
    return await use(readVotes(await readFile(path), path, nobleHasher), disk);
  } finally {
    await disk.close();
  }
}

async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new UsageError(`${path} is there already: it is not overwritten`);
}

function statementsOf(entries: readonly VoteEntry[]) {
  return entries.flatMap((entry) => (entry.type === 'statement' ? [entry.statement] : []));
}

interface VoteFacts {
  readonly networkId: string;
  readonly publicKey: string;
  readonly silent?: string;
  readonly completeFrom?: { readonly epoch: number; readonly view: string };
  readonly certificates: number;
  readonly statements: readonly {
    readonly kind: string;
    readonly epoch: number;
    readonly view: string;
    readonly digest: string;
  }[];
}

function factsOf({ owner, entries }: StoredVotes): VoteFacts {
  const last = entries.findLast(
    (one): one is Completeness => one.type === 'complete' || one.type === 'silent',
  );
  const { epoch, view } = last?.type === 'complete' ? last.from : { epoch: 0, view: 0n };
  return {
    networkId: owner.networkId.toString(16).padStart(16, '0'),
    publicKey: bytesToHex(owner.publicKey),
    ...(last?.type === 'silent'
      ? { silent: last.reason }
      : { completeFrom: { epoch, view: String(view) } }),
    certificates: entries.filter(({ type }) => type === 'certificate').length,
    statements: statementsOf(entries).map((one) => ({
      kind: one.kind,
      epoch: one.epoch,
      view: String(one.view),
      digest: bytesToHex(one.digest),
    })),
  };
}

function textOf(facts: VoteFacts): string {
  const { completeFrom, silent, statements, certificates } = facts;
  const state =
    completeFrom === undefined
      ? `silent        ${silent}`
      : `complete      from view ${completeFrom.view} of epoch ${completeFrom.epoch} on`;
  const lines = [
    `network id    ${facts.networkId}`,
    `public key    ${facts.publicKey}`,
    state,
    `certificates  ${certificates}`,
    `statements    ${statements.length}`,
    ...statements.map(({ kind, epoch, view, digest }) => `${epoch}  ${view}  ${kind}  ${digest}`),
  ];
  return `${lines.join('\n')}\n`;
}
