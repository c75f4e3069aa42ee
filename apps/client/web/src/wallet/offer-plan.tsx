/** One provider's offer: its price in 30 days, and what it is made of. */
import { BadgeCheck, CircleDashed, PackageCheck } from 'lucide-react';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { OfferDto, RentalDto } from '../../../src/api/dto.ts';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Facts } from '../ui/form.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';
import { auditText } from './rental-plan.tsx';

export interface OfferPlanProps {
  readonly offer: OfferDto;
  /** What we have there, or had. */
  readonly rental: RentalDto | undefined;
  /** Undefined when it is rented already. */
  readonly onRent: (() => void) | undefined;
}

export function OfferPlan({ offer, rental, onRent }: OfferPlanProps) {
  const { language, words } = useSpeech();
  const { wallet } = words;
  const countOf = useCount();
  const { prices } = offer;
  const priceOf = (units: number): string => formatAmount(BigInt(units));
  return (
    <article className="plan" aria-label={offer.endpoint}>
      <div className="plan-head">
        <h3>{offer.endpoint}</h3>
        {offer.isBonded ? (
          <Chip icon={BadgeCheck} tone="ok">
            {wallet.bonded}
          </Chip>
        ) : (
          <Chip icon={CircleDashed}>{wallet.notBonded}</Chip>
        )}
        {onRent === undefined && (
          <Chip icon={PackageCheck} tone="info">
            {wallet.isRented}
          </Chip>
        )}
      </div>
      <p className="plan-price figures">
        {fill(wallet.perMonth, { price: formatAmount(BigInt(offer.pricePerMonth)) })}
      </p>
      <Facts
        facts={[
          { name: wallet.retention, value: countOf(wallet.days, offer.maxRetentionDays) },
          {
            name: wallet.ownChecks,
            value: rental === undefined ? wallet.noChecks : auditText(wallet, rental),
          },
        ]}
      />
      <details>
        <summary>{wallet.details}</summary>
        <Facts
          facts={[
            { name: wallet.prices.rentPerMiBDay, value: priceOf(prices.rentPerMiBDay) },
            { name: wallet.prices.ingressPerMiB, value: priceOf(prices.ingressPerMiB) },
            { name: wallet.prices.egressPerMiB, value: priceOf(prices.egressPerMiB) },
            { name: wallet.prices.perObject, value: priceOf(prices.perObject) },
            { name: wallet.prices.perRequest, value: priceOf(prices.perRequest) },
            { name: wallet.prices.perPushDay, value: priceOf(prices.perPushDay) },
            { name: wallet.minChannel, value: formatAmount(BigInt(offer.minChannel)) },
            { name: wallet.validUntil, value: fullTime(language, offer.validUntil * 1_000) },
            { name: wallet.confirmedIn, value: `${offer.confirmedIn}` },
            { name: wallet.bondId, value: offer.bondId, isMono: true, canCopy: true },
          ]}
        />
      </details>
      {onRent !== undefined && (
        <div>
          <Button kind="main" onPress={onRent}>
            {wallet.rent}
          </Button>
        </div>
      )}
    </article>
  );
}
