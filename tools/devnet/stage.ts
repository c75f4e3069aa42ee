/**
 * What all parts of the main job work with: the network, the two clients, two nodes, the narration
 * and the facts that were found. Before: play.ts, exchange.ts, money.ts; after: daemon.ts.
 */
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import type { z } from 'zod';
import { Daemon } from './daemon.ts';
import type { ClientRole } from './layout.ts';
import type { Devnet } from './network.ts';
import { DevnetError, runJson } from './processes.ts';
import type { Teller } from './tell.ts';

/** What the job found; written to main-job.json. Amounts are decimal strings of base units. */
export interface Facts {
  rental?: { bondId: string; mailboxId: string; channelId: string; deposit: string };
  mail?: {
    messageId: string;
    blockId: string;
    powMs: number;
    milestoneIndex: number;
    tagKind: string;
    stored: string;
    receiptUntil: number;
    attachmentSha256: string;
  };
  read?: { messageId: string; sender: string; how: string; cost: string; rawSha256: string };
  answer?: { messageId: string; blockId: string; milestoneIndex: number; tagKind: string };
  closing?: {
    transactionId: string;
    milestoneIndex: number;
    deposit: string;
    paid: string;
    refunded: string;
  };
}

/** What every part of the job works with. */
export interface Stage {
  readonly devnet: Devnet;
  readonly tell: Teller;
  readonly alice: Daemon;
  readonly bob: Daemon;
  readonly node1: NodeClient;
  readonly node2: NodeClient;
  readonly facts: Facts;
}

export function stageOf(devnet: Devnet, tell: Teller): Stage {
  const daemon = (role: ClientRole): Daemon => new Daemon(() => devnet.network.clients[role]);
  return {
    devnet,
    tell,
    alice: daemon('alice'),
    bob: daemon('bob'),
    node1: new NodeClient({ baseUrl: devnet.apiOf('node-1') }),
    node2: new NodeClient({ baseUrl: devnet.apiOf('node-2') }),
    facts: {},
  };
}

/** Runs a command of the client as a person would; the answer is held to `schema`. */
export async function cli<T extends z.ZodType>(
  { devnet }: Pick<Stage, 'devnet'>,
  role: ClientRole,
  schema: T,
  args: readonly string[],
): Promise<z.infer<T>> {
  const dataDir = devnet.layout.folder(role);
  const answer = await runJson('tanglemail', ['--data-dir', dataDir, '--json', ...args]);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined ? '' : `${issue.path.join('.')}: ${issue.message}`;
  throw new DevnetError(`\`tanglemail ${args.join(' ')}\` answers something else: ${where}`);
}

/** 1,234,567 bu. */
export function units(amount: bigint | string): string {
  return `${BigInt(amount).toLocaleString('en-GB')} bu`;
}

/** The first digits of an id. */
export function short(id: string): string {
  return `${id.slice(0, 10)}…`;
}

/** SHA-256 as hex. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes));
  return bytesToHex(new Uint8Array(digest));
}
