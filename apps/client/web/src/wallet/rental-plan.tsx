/** One rented mailbox: its balance, its channel, how long it is paid, what it has shown. */
import { CalendarClock, CircleCheck, CircleSlash } from 'lucide-react';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { RentalDto } from '../../../src/api/dto.ts';
import { useNow } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Facts } from '../ui/form.tsx';
import type { Words } from '../words/en.ts';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';
import { daysLeft, paidUntilMs, warningOf } from './paid-until.ts';

/** What this client itself has seen of a provider. */
export function auditText({ checks }: Words['wallet'], rental: RentalDto): string {
  const { audits, fetchesFailed } = rental;
  return fill(checks, { ok: audits.ok, failed: audits.failed, fetches: fetchesFailed });
}

export interface RentalPlanProps {
  readonly rental: RentalDto;
  readonly onClose: () => void;
}

export function RentalPlan({ rental, onClose }: RentalPlanProps) {
  const { language, words } = useSpeech();
  const { wallet } = words;
  const countOf = useCount();
  const { channel, endpoint, isActive } = rental;
  const until = paidUntilMs(rental);
  const states: Readonly<Record<string, string>> = wallet.channelStates;
  return (
    <article className="plan" aria-label={endpoint}>
      <div className="plan-head">
        <h3>{endpoint}</h3>
        {isActive ? (
          <Chip icon={CircleCheck} tone="ok">
            {wallet.active}
          </Chip>
        ) : (
          <Chip icon={CircleSlash}>{wallet.ended}</Chip>
        )}
        {isActive && until !== undefined && <ExpiryChip untilMs={until} />}
      </div>
      <Facts
        facts={[
          { name: wallet.mailboxBalance, value: formatAmount(BigInt(rental.balance)) },
          {
            name: wallet.paidUntil,
            value: until === undefined ? wallet.noChannel : fullTime(language, until),
          },
          ...(channel === undefined
            ? []
            : [
                {
                  name: wallet.channel,
                  value: fill(wallet.channelFacts, {
                    state: states[channel.state] ?? channel.state,
                    signed: formatAmount(BigInt(channel.signed)),
                    amount: formatAmount(BigInt(channel.amount)),
                  }),
                },
              ]),
          { name: wallet.stored, value: countOf(wallet.objects, rental.storedObjects) },
          { name: wallet.retention, value: countOf(wallet.days, rental.retentionDays) },
          { name: wallet.ownChecks, value: auditText(wallet, rental) },
          {
            name: wallet.lastSync,
            value:
              rental.lastSyncAt === 0
                ? wallet.never
                : fullTime(language, rental.lastSyncAt * 1_000),
          },
        ]}
      />
      {isActive && (
        <div>
          <Button kind="danger" onPress={onClose}>
            {wallet.close}
          </Button>
        </div>
      )}
    </article>
  );
}

/** Said 14, 3 and 1 days ahead, and when it is over. */
export function ExpiryChip({ untilMs }: { readonly untilMs: number }) {
  const { wallet } = useSpeech().words;
  const countOf = useCount();
  const nowMs = useNow();
  const warning = warningOf(untilMs, nowMs);
  if (warning === undefined) return undefined;
  const text =
    warning === 'over'
      ? wallet.over
      : warning === 1
        ? wallet.lastDay
        : countOf(wallet.endsIn, daysLeft(untilMs, nowMs));
  return (
    <Chip icon={CalendarClock} tone={warning === 14 ? 'warn' : 'err'}>
      {text}
    </Chip>
  );
}
