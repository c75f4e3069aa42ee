/**
 * The story of one seed: alice writes and pays while a process is killed without warning and comes
 * back; what the clients had shown until then is written down. What must hold afterwards is checked
 * by the test. Before: kill.spec.ts; after: rig.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutboxItemDto } from '../../../apps/client/src/api/dto.ts';
import type { Role } from '../../../tools/devnet/layout.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import type { Stage } from '../../../tools/devnet/stage.ts';
import type { Chance } from './chance.ts';

/** Processes that the seeds kill in turn. */
export const VICTIMS = ['node-1', 'node-2', 'provider', 'alice', 'bob'] as const;

/** What a client has shown to its user and must stand by. */
export interface Shown {
  /** Mails that alice's client took: outbox ids by Message-ID. */
  readonly taken: Map<string, string>;
  /** Milestones of mails that were shown as confirmed, by outbox id. */
  readonly confirmed: Map<string, number>;
  /** Payments that alice's client took. */
  readonly payments: { transactionId: string; amount: bigint }[];
}

const LONGEST_PAUSE_MS = 1_200;
const SETTLE_TIMEOUT_MS = 90_000;
const WATCH_MS = 40;
/** Base units that a new channel pays at least. */
const LEAST_CREDIT = 5_000n;

/** Sends `mails` mails and one payment at random moments while `victim` dies and comes back. */
export async function playSeed(
  stage: Stage,
  victim: Role,
  chance: Chance,
  seed: number,
): Promise<Shown> {
  const shown: Shown = { taken: new Map(), confirmed: new Map(), payments: [] };
  const stop = new AbortController();
  const watching = watchOutbox(stage, shown, stop.signal);
  const sizes = Array.from({ length: chance.integer(1, 3) }, () => chance.integer(1, 6_000));
  const mails = sizes.map((size, at) => ({
    waitMs: chance.integer(0, LONGEST_PAUSE_MS),
    subject: `seed ${seed} mail ${at}`,
    text: chance.text(size),
  }));
  const payment = {
    waitMs: chance.integer(0, LONGEST_PAUSE_MS),
    amount: BigInt(chance.integer(1_000, 100_000)),
  };
  const death = {
    afterMs: chance.integer(0, LONGEST_PAUSE_MS),
    restMs: chance.integer(0, LONGEST_PAUSE_MS / 2),
  };
  await Promise.all([
    ...mails.map((mail) => write(stage, mail, shown)),
    pay(stage, payment, shown),
    die(stage, victim, death),
  ]);
  stop.abort();
  await watching;
  return shown;
}

async function die(
  { devnet }: Stage,
  victim: Role,
  { afterMs, restMs }: { afterMs: number; restMs: number },
): Promise<void> {
  await sleep(afterMs);
  await devnet.kill(victim);
  await sleep(restMs);
  await devnet.start(victim);
}

/** A call that breaks off promises nothing: only an answer counts as taken. */
async function write(
  { alice }: Stage,
  mail: { waitMs: number; subject: string; text: string },
  shown: Shown,
): Promise<void> {
  await sleep(mail.waitMs);
  const { subject, text } = mail;
  try {
    const queued = await alice.send({ to: ['Bob'], subject, text });
    shown.taken.set(queued.id, queued.recipients[0]?.outboxId ?? '');
  } catch {
    // Alice’s client is down.
  }
}

async function pay(
  { alice, bob }: Stage,
  { waitMs, amount }: { waitMs: number; amount: bigint },
  shown: Shown,
): Promise<void> {
  await sleep(waitMs);
  try {
    const { address } = await bob.wallet();
    const { transactionId } = await alice.pay(address, amount);
    shown.payments.push({ transactionId, amount });
  } catch {
    // A client or its node is down.
  }
}

/** Looks at alice's outbox again and again, as somebody at the screen would. */
async function watchOutbox({ alice }: Stage, shown: Shown, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for (const { id, milestoneIndex } of await alice.outbox()) {
        if (milestoneIndex !== undefined) shown.confirmed.set(id, milestoneIndex);
      }
    } catch {
      // Alice’s client is down.
    }
    await sleep(WATCH_MS);
  }
}

/** A provider keeps it, or the recipient's client has said that it came. */
export function hasArrived({ state }: OutboxItemDto): boolean {
  return state === 'stored' || state === 'fetched' || state === 'read';
}

/** Waits until every mail in alice's outbox, also one whose answer got lost, is stored. */
export async function settledOutbox({ alice }: Stage): Promise<OutboxItemDto[]> {
  return await until('every mail is stored', SETTLE_TIMEOUT_MS, async () => {
    const items = await alice.outbox();
    const open = items.filter((one) => !hasArrived(one));
    const [first] = open;
    if (first === undefined) return items;
    const why = first.error === undefined ? '' : `, ${first.error.code}: ${first.error.detail}`;
    return new NotYet(`${open.length} are not, mail ${first.id} is ${first.state}${why}`);
  });
}

/**
 * Bob ends his rental and rents again at random moments while `victim` dies and comes back; then he
 * repeats it until it is done, as a person would.
 */
export async function rentAnew(stage: Stage, victim: Role, chance: Chance): Promise<void> {
  const { bob, devnet } = stage;
  const bondId = devnet.network.providers[0]?.bondId ?? '';
  const closeMs = chance.integer(0, LONGEST_PAUSE_MS);
  const rentMs = chance.integer(0, LONGEST_PAUSE_MS / 2);
  const death = {
    afterMs: chance.integer(0, LONGEST_PAUSE_MS),
    restMs: chance.integer(0, LONGEST_PAUSE_MS / 2),
  };
  const change = async (): Promise<void> => {
    await sleep(closeMs);
    await bob.close(bondId).catch(() => undefined);
    await sleep(rentMs);
    await rent(stage, bondId).catch(() => undefined);
  };
  await Promise.all([change(), die(stage, victim, death)]);
  await until('the mailbox is rented', SETTLE_TIMEOUT_MS, async () => {
    const [rental] = await bob.rentals();
    if (rental?.isActive === true && rental.channel?.state === 'open') return true;
    await rent(stage, bondId);
    return new NotYet(JSON.stringify(rental));
  });
}

/** Rents and pays a little more than the mailbox has. */
async function rent({ bob }: Stage, bondId: string): Promise<void> {
  const [rental] = await bob.rentals();
  const credit = BigInt(rental?.balance ?? 0) + LEAST_CREDIT;
  await bob.rent({ bondId, credit: `${credit}` });
}

/** Waits until the only channel that is unspent on the ledger is the one that bob pays from. */
export async function soleChannel({ bob, node1 }: Stage): Promise<string> {
  return await until('the other channels are settled', SETTLE_TIMEOUT_MS, async () => {
    const [rental] = await bob.rentals();
    const channelId = rental?.channel?.channelId ?? '';
    const { output } = await node1.output(channelId as OutputId);
    if (output.kind !== 'channel') return new NotYet(`${channelId} is no channel`);
    const open: string[] = [];
    for await (const id of node1.outputs({ kind: 'channel', payee: output.payee })) open.push(id);
    const isSole = open.length === 1 && open[0] === channelId;
    return isSole ? channelId : new NotYet(`${open.join(', ')}, bob has ${channelId}`);
  });
}
