/**
 * `tanglemail provider`: who sells storage, and what is rented.
 */
import { Command } from 'commander';
import type { OfferDto, RentalDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { formatAmount, parseAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { run } from './context.ts';
import type { Terminal } from './terminal.ts';
import { dateText, facts, table } from './text.ts';

export function providerCommand(terminal: Terminal): Command {
  return new Command('provider')
    .description('storage that keeps your mail while you are away')
    .addCommand(listCommand(terminal))
    .addCommand(rentCommand(terminal))
    .addCommand(statusCommand(terminal))
    .addCommand(closeCommand(terminal));
}

const short = (id: string): string => id.slice(0, 16);

function listCommand(terminal: Terminal): Command {
  const command = new Command('list').description('list the offers in the tangle, cheapest first');
  return run(command, terminal, ['provider list', 'provider list --json'], async (context) => {
    const offers = await (await context.daemon()).providers();
    context.print(offers, () => {
      if (offers.length === 0) return 'No provider has an offer in the tangle.\n';
      const columns = [
        { title: 'ID', of: (one: OfferDto) => short(one.bondId) },
        {
          title: 'A MONTH',
          of: (one: OfferDto) => formatAmount(BigInt(one.pricePerMonth)),
          isRight: true,
        },
        { title: 'DAYS', of: (one: OfferDto) => `${one.maxRetentionDays}`, isRight: true },
        { title: 'BOND', of: (one: OfferDto) => (one.isBonded ? 'yes' : 'no') },
        { title: 'ENDPOINT', of: (one: OfferDto) => one.endpoint, isFlexible: true },
      ];
      return table(offers, columns, terminal.columns);
    });
  });
}

interface RentOptions {
  readonly deposit?: string;
  readonly credit?: string;
}

function amountOption(flag: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const amount = parseAmount(text);
  if (amount === undefined) throw new ClientError('amount-invalid', `${flag} ${text}`);
  return `${amount}`;
}

/** The whole id of the one item whose id begins so. */
function idFrom(items: readonly { readonly bondId: string }[], text: string): string | undefined {
  const wanted = text.trim().toLowerCase();
  const found = items.filter((one) => wanted.length >= 4 && one.bondId.startsWith(wanted));
  return found.length === 1 ? found[0]?.bondId : undefined;
}

function rentCommand(terminal: Terminal): Command {
  const command = new Command('rent')
    .description('rent a mailbox: opens a payment channel and fills the balance')
    .argument('[id]', 'a provider of `provider list`, or the beginning of its id; else the best')
    .option('--deposit <amount>', 'what goes into the channel; the rest comes back at the end')
    .option('--credit <amount>', 'what the balance of the mailbox starts with');
  return run<RentOptions>(
    command,
    terminal,
    ['provider rent', 'provider rent 3f2a91c0 --deposit 1T --credit 0.05T --json'],
    async (context, options, [text]) => {
      const deposit = amountOption('--deposit', options.deposit);
      const credit = amountOption('--credit', options.credit);
      const daemon = await context.daemon();
      const bondId = text === undefined ? undefined : idFrom(await daemon.providers(), text);
      if (text !== undefined && bondId === undefined) {
        throw new ClientError('provider-unknown', text);
      }
      context.note('Opening a channel; this takes a milestone or two.');
      const rented = await daemon.rentProvider({
        ...(bondId === undefined ? {} : { bondId }),
        ...(deposit === undefined ? {} : { deposit }),
        ...(credit === undefined ? {} : { credit }),
      });
      context.print(rented, () =>
        facts([
          ['provider', rented.bondId],
          ['mailbox', rented.mailboxId],
          ['channel', rented.channelId],
          ['balance', formatAmount(BigInt(rented.balance))],
        ]),
      );
    },
  );
}

function statusCommand(terminal: Terminal): Command {
  const command = new Command('status').description('show the rented mailboxes');
  return run(command, terminal, ['provider status', 'provider status --json'], async (context) => {
    const rentals = await (await context.daemon()).rentedProviders();
    context.print(rentals, () => {
      if (rentals.length === 0) return 'Nothing is rented: tanglemail provider rent\n';
      return rentals.map((one) => describe(one)).join('\n');
    });
  });
}

function describe(rental: RentalDto): string {
  const { channel } = rental;
  const rows: (readonly [string, string])[] = [
    ['provider', rental.bondId],
    ['endpoint', rental.endpoint],
    ['mailbox', `${rental.mailboxId}${rental.isActive ? '' : ' (not active)'}`],
    ['balance', formatAmount(BigInt(rental.balance))],
    ['stored', `${rental.storedObjects} mails, ${rental.retentionDays} days`],
    ['tags', `${rental.tagsRegistered}`],
    ['audits', auditText(rental)],
    ['last sync', rental.lastSyncAt === 0 ? 'never' : dateText(rental.lastSyncAt * 1_000)],
  ];
  if (channel !== undefined) {
    const [signed, amount] = [channel.signed, channel.amount].map((one) => BigInt(one));
    rows.push(['channel', `${channel.state} until ${dateText(channel.expiry * 1_000)}`]);
    rows.push(['paid', `${formatAmount(signed ?? 0n)} of ${formatAmount(amount ?? 0n)}`]);
  }
  return facts(rows);
}

function closeCommand(terminal: Terminal): Command {
  const command = new Command('close')
    .description('give up a mailbox and settle its channel')
    .argument('[id]', 'the provider, or the beginning of its id; not needed when there is one');
  return run(command, terminal, ['provider close', 'provider close 3f2a91c0'], async (...all) => {
    const [context, , [text]] = all;
    const daemon = await context.daemon();
    const rentals = await daemon.rentedProviders();
    const only = rentals.length === 1 ? rentals[0]?.bondId : undefined;
    const bondId = text === undefined ? only : idFrom(rentals, text);
    if (bondId === undefined) {
      throw new ClientError('rental-unknown', text ?? `${rentals.length} are rented; name one`);
    }
    const closed = await daemon.closeProvider(bondId);
    context.print(closed, () => {
      const { claimTransactionId: claim } = closed;
      const rows: (readonly [string, string])[] = [['state', closed.state]];
      return facts(claim === undefined ? rows : [...rows, ['claim', claim]]);
    });
  });
}

/** What it has shown of itself: proofs of what it stores, and mails that it did not give. */
function auditText({ audits, fetchesFailed }: RentalDto): string {
  if (audits.ok + audits.failed + fetchesFailed === 0) return 'none yet';
  const proofs = `${audits.ok} passed, ${audits.failed} failed`;
  return fetchesFailed === 0 ? proofs : `${proofs}; not given when asked: ${fetchesFailed}`;
}
