/** How long a rented mailbox is paid, and when the user must be told that it ends. */
import type { RentalDto } from '../../../src/api/dto.ts';

const DAY_MS = 86_400_000;
/** Days ahead at which a warning becomes stronger. */
const WARNING_DAYS = [1, 3, 14] as const;

export type Warning = 'over' | (typeof WARNING_DAYS)[number];

/** Milliseconds since 1970 of the end of the open channel; undefined while none is open. */
export function paidUntilMs({ channel }: RentalDto): number | undefined {
  return channel?.state === 'open' ? channel.expiry * 1_000 : undefined;
}

/** The nearest of the marks that has been passed; undefined while there is time. */
export function warningOf(untilMs: number, nowMs: number): Warning | undefined {
  const leftMs = untilMs - nowMs;
  if (leftMs <= 0) return 'over';
  return WARNING_DAYS.find((days) => leftMs <= days * DAY_MS);
}

/** Whole days that are left, at least 0. */
export function daysLeft(untilMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((untilMs - nowMs) / DAY_MS));
}

/** When the first of the mailboxes in use ends. */
export function firstEndMs(rentals: readonly RentalDto[]): number | undefined {
  const ends = rentals
    .filter(({ isActive }) => isActive)
    .flatMap((rental) => paidUntilMs(rental) ?? []);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** What closing would bring back at once: all that no voucher has promised. */
export function comesBack({ channel }: RentalDto): bigint {
  return channel === undefined ? 0n : BigInt(channel.amount) - BigInt(channel.signed);
}
