/**
 * `tanglemail wallet`: what there is, paying, and what came and went.
 */
import { Command } from 'commander';
import type { WalletLineDto } from '../api/dto.ts';
import { ClientError } from '../client-error.ts';
import { formatAmount, parseAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { run } from './context.ts';
import { integerOption } from './options.ts';
import type { Terminal } from './terminal.ts';
import { dateText, facts, table } from './text.ts';
import { waitUntil } from './wait.ts';

export function walletCommand(terminal: Terminal): Command {
  return new Command('wallet')
    .description('the tokens of the account (1 T = 1,000,000 base units)')
    .addCommand(balanceCommand(terminal))
    .addCommand(addressCommand(terminal))
    .addCommand(sendCommand(terminal))
    .addCommand(historyCommand(terminal));
}

function balanceCommand(terminal: Terminal): Command {
  const command = new Command('balance').description('show the balance, and what proves it');
  return run(command, terminal, ['wallet balance', 'wallet balance --json'], async (context) => {
    const wallet = await (await context.daemon()).wallet();
    context.print(wallet, () => {
      const rows: (readonly [string, string])[] = [
        ['balance', formatAmount(BigInt(wallet.balance))],
        ['pending', formatAmount(BigInt(wallet.pending))],
      ];
      if (wallet.asOf !== null) {
        const { index, timestampMs } = wallet.asOf;
        rows.push(['proven by', `milestone ${index} of ${dateText(timestampMs)}`]);
      }
      return facts(wallet.pending === '0' ? rows.filter(([name]) => name !== 'pending') : rows);
    });
  });
}

function addressCommand(terminal: Terminal): Command {
  const command = new Command('address').description('show where to pay to; fresh after each use');
  return run(command, terminal, ['wallet address'], async (context) => {
    const { address } = await (await context.daemon()).wallet();
    context.print({ address }, () => `${address}\n`);
  });
}

interface SendOptions {
  readonly wait?: boolean;
  readonly timeout: string;
}

function sendCommand(terminal: Terminal): Command {
  const command = new Command('send')
    .description('pay')
    .argument('<address>', 'tw1…, twt1… or 64 hex digits')
    .argument('<amount>', '1.5T, or base units such as 1500000')
    .option('--wait', 'wait until a milestone has confirmed it')
    .option('--timeout <seconds>', 'how long to wait', '300');
  return run<SendOptions>(
    command,
    terminal,
    ['wallet send twt1… 1.5T', 'wallet send twt1… 1500000 --wait --json'],
    async (context, options, [to = '', text = '']) => {
      const amount = parseAmount(text);
      if (amount === undefined) throw new ClientError('amount-invalid', text);
      const timeoutMs = integerOption('--timeout', options.timeout, 1, 86_400) * 1_000;
      const daemon = await context.daemon();
      const sent = await daemon.sendTokens({ to, amount: `${amount}` });
      const line = async (): Promise<WalletLineDto | undefined> => {
        const lines = await daemon.walletHistory(100);
        const found = lines.find((one) => one.transactionId === sent.transactionId);
        if (found?.detail.startsWith('not paid')) {
          throw new ClientError('transaction-conflict', found.detail);
        }
        return found?.milestoneIndex === undefined ? undefined : found;
      };
      const confirmed = options.wait === true ? await waitUntil(line, timeoutMs) : undefined;
      const { milestoneIndex } = confirmed ?? {};
      context.print(milestoneIndex === undefined ? sent : { ...sent, milestoneIndex }, () => {
        const state =
          milestoneIndex === undefined ? 'attached' : `confirmed by milestone ${milestoneIndex}`;
        const ids = facts([['transaction', sent.transactionId]]);
        return `Sent ${formatAmount(amount)}: ${state}.\n${ids}`;
      });
    },
  );
}

function historyCommand(terminal: Terminal): Command {
  const command = new Command('history')
    .description('show what came and went, newest first')
    .option('--limit <count>', 'lines', '20');
  return run<{ limit: string }>(
    command,
    terminal,
    ['wallet history', 'wallet history --limit 100 --json'],
    async (context, options) => {
      const limit = integerOption('--limit', options.limit, 1, 500);
      const lines = await (await context.daemon()).walletHistory(limit);
      context.print(lines, () => {
        if (lines.length === 0) return 'Nothing has come or gone yet.\n';
        const columns = [
          { title: 'WHEN', of: (one: WalletLineDto) => dateText(one.atMs) },
          { title: 'KIND', of: (one: WalletLineDto) => one.kind },
          {
            title: 'AMOUNT',
            of: (one: WalletLineDto) => formatAmount(BigInt(one.amount)),
            isRight: true,
          },
          { title: 'MILESTONE', of: (one: WalletLineDto) => `${one.milestoneIndex ?? '-'}` },
          { title: 'DETAIL', of: (one: WalletLineDto) => one.detail, isFlexible: true },
        ];
        return table(lines, columns, terminal.columns);
      });
    },
  );
}
