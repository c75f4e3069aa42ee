/** The history as a table for other programs: RFC 4180, amounts in base units with their sign. */
import type { WalletLineDto } from '../../../src/api/dto.ts';

const HEAD = ['time', 'kind', 'amount', 'detail', 'transaction', 'milestone'];

/** Base units as they change the wallet: what leaves it has a minus. */
export function signedAmount({ kind, amount }: WalletLineDto): bigint {
  const units = BigInt(amount);
  return kind === 'received' || kind === 'channel-closed' ? units : -units;
}

export function historyCsv(lines: readonly WalletLineDto[]): string {
  const rows = lines.map((line) => [
    new Date(line.atMs).toISOString(),
    line.kind,
    `${signedAmount(line)}`,
    harmless(line.detail),
    line.transactionId ?? '',
    `${line.milestoneIndex ?? ''}`,
  ]);
  return [HEAD, ...rows].map((row) => `${row.map((cell) => quoted(cell)).join(',')}\r\n`).join('');
}

/** A table program would compute a text that begins so. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
