/**
 * The main job with real parts, told line by line: identities, tokens, a rented mailbox, a mail to
 * somebody who is offline, an answer, and where the money went. Every line states a fact that was
 * checked; the first that does not hold ends the job. Before: main.ts; after: money.ts,
 * exchange.ts.
 */
import type { Daemon } from './daemon.ts';
import { answerMail, connect, mailboxBalance, readMail, writeMail } from './exchange.ts';
import { closeChannel, getTokens, rentMailbox } from './money.ts';
import { NotYet, until } from './poll.ts';
import type { Facts, Stage } from './stage.ts';

const DESCRIPTOR_TIMEOUT_MS = 60_000;

/** Plays the whole job. Throws DevnetError or what a program answered; `tell` has told it. */
export async function playMainJob(stage: Stage): Promise<Facts> {
  await meet(stage);
  await getTokens(stage);
  await publishKeys(stage);
  await rentMailbox(stage);
  await connect(stage);
  const balance = await mailboxBalance(stage);
  await stage.tell.step('bob', 'goes offline', async () => {
    await stage.devnet.stop('bob');
    return 'is offline: his client has stopped';
  });
  const mail = await writeMail(stage);
  await readMail(stage, mail, balance);
  await answerMail(stage, mail);
  await closeChannel(stage);
  return stage.facts;
}

/** Asks both clients for their addresses. */
export async function meet({ devnet, tell, alice, bob }: Stage): Promise<void> {
  for (const [role, daemon] of [['alice', alice] as const, ['bob', bob] as const]) {
    await tell.step(role, 'says who they are', async () => {
      const { address } = await daemon.status();
      devnet.setAddress(role, address);
      return `is ${address}`;
    });
  }
}

/** Waits until the descriptors of both are confirmed. */
export async function publishKeys({ tell, alice, bob }: Stage): Promise<void> {
  await tell.step('tangle', 'confirms the published keys of both', async () => {
    const wait = async (daemon: Daemon): Promise<number> =>
      await until('the descriptor is confirmed', DESCRIPTOR_TIMEOUT_MS, async () => {
        const { descriptor } = await daemon.status();
        const { state, milestoneIndex } = descriptor;
        if (state === 'confirmed' && milestoneIndex !== undefined) return milestoneIndex;
        return new NotYet(state);
      });
    const [first, second] = await Promise.all([wait(alice), wait(bob)]);
    return `has the published keys of both, in milestones ${first} and ${second}`;
  });
}
