/** What was spent, from the lines of the history: by month and by provider. */
import type { RentalDto, WalletLineDto } from '../../../src/api/dto.ts';

/** So begins the detail of a payment that the ledger did not apply. */
const NOT_PAID = 'not paid';

export interface MonthSums {
  /** `2026-11`, in local time. */
  readonly month: string;
  readonly received: bigint;
  readonly sent: bigint;
  /** Put into channels of providers, and come back from them. */
  readonly deposited: bigint;
  readonly returned: bigint;
}

export interface ProviderSums {
  /** Wallet address that its channels pay to. */
  readonly payee: string;
  /** Where it is reached; undefined when none of the channels known here is open there. */
  readonly endpoint: string | undefined;
  readonly channelCount: number;
  readonly deposited: bigint;
}

export function isPaid({ detail }: WalletLineDto): boolean {
  return !detail.startsWith(NOT_PAID);
}

export function monthOf(atMs: number): string {
  const at = new Date(atMs);
  return `${at.getFullYear()}-${`${at.getMonth() + 1}`.padStart(2, '0')}`;
}

/** `November 2026` for `2026-11`. */
export function monthText(language: string, month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const form: Intl.DateTimeFormatOptions = { month: 'long', year: 'numeric' };
  return new Intl.DateTimeFormat(language, form).format(new Date(year, number - 1, 1));
}

/** The newest month first. */
export function sumByMonth(lines: readonly WalletLineDto[]): MonthSums[] {
  const months = new Map<string, MonthSums>();
  for (const line of lines) {
    const month = monthOf(line.atMs);
    const sums = months.get(month) ?? {
      month,
      received: 0n,
      sent: 0n,
      deposited: 0n,
      returned: 0n,
    };
    months.set(month, isPaid(line) ? withLine(sums, line) : sums);
  }
  return [...months.values()].toSorted((a, b) => (a.month < b.month ? 1 : -1));
}

/** Which sum a line adds to. Vouchers are left out: what they promise was deposited before. */
const SUM_OF: Readonly<Record<WalletLineDto['kind'], Exclude<keyof MonthSums, 'month'> | null>> = {
  received: 'received',
  sent: 'sent',
  'channel-opened': 'deposited',
  'channel-closed': 'returned',
  voucher: null,
};

function withLine(sums: MonthSums, { kind, amount }: WalletLineDto): MonthSums {
  const sum = SUM_OF[kind];
  return sum === null ? sums : { ...sums, [sum]: sums[sum] + BigInt(amount) };
}

/** What has left for good or is in channels, less what came back. May be below 0. */
export function spentIn({ sent, deposited, returned }: MonthSums): bigint {
  return sent + deposited - returned;
}

/** By what was deposited, the most first. A channel's id begins with that of its transaction. */
export function sumByProvider(
  lines: readonly WalletLineDto[],
  rentals: readonly RentalDto[],
): ProviderSums[] {
  const providers = new Map<string, ProviderSums>();
  for (const line of lines) {
    if (line.kind !== 'channel-opened' || !isPaid(line)) continue;
    const { detail: payee, transactionId } = line;
    const known = providers.get(payee);
    const rental = rentals.find(
      ({ channel }) =>
        transactionId !== undefined && channel?.channelId?.startsWith(transactionId) === true,
    );
    providers.set(payee, {
      payee,
      endpoint: rental?.endpoint ?? known?.endpoint,
      channelCount: (known?.channelCount ?? 0) + 1,
      deposited: (known?.deposited ?? 0n) + BigInt(line.amount),
    });
  }
  return [...providers.values()].toSorted((a, b) => (a.deposited < b.deposited ? 1 : -1));
}
