/**
 * The money of the main job: tokens from the faucet, a channel and a mailbox at the provider, and
 * at the end the claim that divides the deposit, each read back from the ledger. Part of play.ts.
 */
import { decodeBlock } from '@tanglemail/tangle/core/codec/block.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { parseMailAddress } from '@tanglemail/mail/core/identity/address.ts';
import { decodeDescriptor, descriptorTag } from '@tanglemail/mail/core/identity/descriptor.ts';
import { z } from 'zod';
import { closedDto, offerDto, type OfferDto, rentedDto } from '../../apps/client/src/api/dto.ts';
import type { Daemon } from './daemon.ts';
import type { ClientRole } from './layout.ts';
import { balanceOf, settlementOf } from './ledger.ts';
import { cli, short, type Stage, units } from './stage.ts';
import { NotYet, until } from './poll.ts';
import { DevnetError } from './processes.ts';

/** Below this the faucet is asked for more. */
const ENOUGH = 20_000_000n;
/** What the mailbox's balance is to be after renting. */
const WANTED_CREDIT = 50_000n;
/** What a first voucher must pay at least: the provider's offer of this network says so. */
const LEAST_CREDIT = 5_000n;
const CONFIRM_TIMEOUT_MS = 60_000;

const grantShape = z.object({ amount: z.string(), blockId: z.string() });

export async function getTokens(stage: Stage): Promise<void> {
  const { tell, alice, bob } = stage;
  const before = await Promise.all([balance(alice), balance(bob)]);
  if (before.every((amount) => amount >= ENOUGH)) {
    tell.fact('wallets', `alice has ${units(before[0])}, bob has ${units(before[1])}`);
    return;
  }
  await tell.step('faucet', 'pays alice and bob', async () => {
    // At the same moment: the faucet pays all that wait in one transaction.
    await Promise.all([askFaucet(stage, alice), askFaucet(stage, bob)]);
    return 'has put a payment to both into one transaction';
  });
  for (const role of ['alice', 'bob'] as const) {
    const daemon = stage[role];
    await tell.step(role, 'sees the tokens', async () => {
      const wallet = await until('the wallet has the tokens', CONFIRM_TIMEOUT_MS, async () => {
        const seen = await daemon.wallet();
        return BigInt(seen.balance) >= ENOUGH ? seen : new NotYet(`balance ${seen.balance}`);
      });
      const at = wallet.asOf === null ? '' : ` by the state root of milestone ${wallet.asOf.index}`;
      return `has ${units(wallet.balance)}, proven${at}`;
    });
  }
}

async function balance(daemon: Daemon): Promise<bigint> {
  return BigInt((await daemon.wallet()).balance);
}

async function askFaucet({ devnet }: Stage, daemon: Daemon): Promise<void> {
  const { address } = await daemon.wallet();
  const response = await fetch(`${devnet.apiOf('faucet')}/api/faucet/v1/requests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address }),
    signal: AbortSignal.timeout(CONFIRM_TIMEOUT_MS),
  });
  const answer = await response.text();
  if (response.status !== 202) throw new DevnetError(`the faucet refuses: ${answer}`);
  grantShape.parse(JSON.parse(answer));
}

/** Finds the offer on the tangle, opens a channel, rents a mailbox, and has the keys say so. */
export async function rentMailbox(stage: Stage): Promise<void> {
  const { tell, bob, devnet, node1, facts } = stage;
  const bondId = devnet.network.providers[0]?.bondId ?? '';
  const offer = await findOffer(stage, bondId);
  const rental = (await bob.rentals()).find((one) => one.bondId === bondId);
  if (rental?.isActive === true && rental.channel?.state === 'open') {
    tell.fact('bob', `has his mailbox at the provider, ${units(rental.balance)} in it`);
    const { mailboxId, channel } = rental;
    const { channelId = '', amount } = channel;
    facts.rental = { bondId, mailboxId, channelId, deposit: amount };
  } else {
    await tell.step('bob', 'opens a channel and rents a mailbox', async () => {
      const least = BigInt(rental?.balance ?? 0) + LEAST_CREDIT;
      const credit = least > WANTED_CREDIT ? least : WANTED_CREDIT;
      const args = ['provider', 'rent', bondId, '--credit', `${credit}`];
      const { channelId, mailboxId } = await cli(stage, 'bob', rentedDto, args);
      const { output, spent } = await node1.output(channelId as OutputId);
      if (output.kind !== 'channel' || spent !== undefined) {
        throw new DevnetError(`${channelId} is no open channel on the ledger`);
      }
      facts.rental = { bondId, mailboxId, channelId, deposit: output.amount };
      return `pays ${units(output.amount)} into channel ${short(channelId)} and rents a mailbox`;
    });
  }
  const price = `${units(offer.pricePerMonth)} a month for ordinary use`;
  await tell.step('tangle', 'has the mailbox among bob’s published keys', async () => {
    const sequence = await publishedProvider(stage, 'bob', bondId);
    return `names the mailbox in bob’s descriptor ${sequence} (${price})`;
  });
}

async function findOffer({ tell, devnet }: Stage, bondId: string): Promise<OfferDto> {
  let found: OfferDto | undefined;
  await tell.step('bob', 'looks for offers on the tangle', async () => {
    found = await until('an offer is on the tangle', CONFIRM_TIMEOUT_MS, async () => {
      const offers = await cli({ devnet }, 'bob', offerDto.array(), ['provider', 'list']);
      const ours = offers.find((one) => one.bondId === bondId);
      return ours ?? new NotYet(`${offers.length} offers of others`);
    });
    const { confirmedIn, endpoint } = found;
    return `finds the offer of ${endpoint} on the tangle (milestone ${confirmedIn}, proof checked)`;
  });
  if (found === undefined) throw new DevnetError('no offer was found');
  return found;
}

/** Waits until the newest confirmed descriptor names the provider; its sequence number. */
async function publishedProvider(
  { devnet, node1 }: Stage,
  role: ClientRole,
  bondId: string,
): Promise<bigint> {
  const parsed = parseMailAddress(devnet.network.clients[role].address);
  if (!parsed.ok) throw new DevnetError(`${role} has an address that cannot be read`);
  const tag = descriptorTag(parsed.value.address);
  return await until('the descriptor names the mailbox', CONFIRM_TIMEOUT_MS, async () => {
    const [newest] = await node1.taggedData(tag, 1);
    if (newest === undefined) return new NotYet('no descriptor');
    const block = decodeBlock(await node1.block(newest.blockId));
    if (!block.ok || block.value.payload?.kind !== 'tagged-data') return new NotYet('no data');
    const descriptor = decodeDescriptor(block.value.payload.data);
    if (!descriptor.ok) return new NotYet(descriptor.code);
    const { providers, sequence } = descriptor.value;
    const isNamed = providers.some((one) => bytesToHex(one.bondId) === bondId);
    return isNamed ? sequence : new NotYet(`descriptor ${sequence} names no such provider`);
  });
}

/** Bob asks for the claim; the ledger shows how the deposit was divided. */
export async function closeChannel(stage: Stage): Promise<void> {
  const { tell, node1, node2, facts } = stage;
  const { rental } = facts;
  if (rental === undefined) throw new DevnetError('there is no rental to close');
  const channelId = rental.channelId as OutputId;
  const { output } = await node1.output(channelId);
  if (output.kind !== 'channel') throw new DevnetError(`${channelId} is no channel`);
  const before = await balanceOf(node1, output.payee);
  await tell.step('bob', 'closes the channel', async () => {
    const args = ['provider', 'close', rental.bondId];
    const { state } = await cli(stage, 'bob', closedDto, args);
    return `asks the provider to close the channel (${state})`;
  });
  await tell.step('ledger', 'shows the claim', async () => {
    const wait = async (node: typeof node1): ReturnType<typeof settlementOf> =>
      await until('the channel is spent', CONFIRM_TIMEOUT_MS, async () => {
        return (await settlementOf(node, channelId)) ?? new NotYet('unspent');
      });
    const [claim, other] = await Promise.all([wait(node1), wait(node2)]);
    if (claim === undefined || claim.transactionId !== other?.transactionId) {
      throw new DevnetError('the two nodes disagree about the claim');
    }
    const { paid, refunded, consumed, transactionId, milestoneIndex } = claim;
    const deposit = BigInt(output.amount);
    if (consumed !== deposit || paid + refunded !== deposit || claim.other !== 0n) {
      throw new DevnetError(`${paid} + ${refunded} of ${consumed} do not sum up to ${deposit}`);
    }
    const after = await balanceOf(node1, output.payee);
    if (after - before !== paid) {
      throw new DevnetError(`the provider’s address went from ${before} to ${after}, not +${paid}`);
    }
    facts.closing = {
      transactionId,
      milestoneIndex,
      deposit: `${deposit}`,
      paid: `${paid}`,
      refunded: `${refunded}`,
    };
    return `spends the channel in transaction ${short(transactionId)}, milestone ${milestoneIndex}`;
  });
  const { deposit = '0', paid = '0', refunded = '0' } = facts.closing ?? {};
  tell.fact(
    'provider',
    `has earned ${units(paid)}: its address on the ledger holds that much more`,
  );
  tell.fact('bob', `has ${units(refunded)} back; ${paid} + ${refunded} = ${deposit}: none is lost`);
}
