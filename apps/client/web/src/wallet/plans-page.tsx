/** Plans: mailboxes that are rented, and the providers that offer some. */
import { useState } from 'react';
import type { OfferDto, RentalDto } from '../../../src/api/dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { PackageSearch } from 'lucide-react';
import { Panel } from '../ui/form.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { CloseSheet } from './close-sheet.tsx';
import { OfferPlan } from './offer-plan.tsx';
import { RentSheet } from './rent-sheet.tsx';
import { RentalPlan } from './rental-plan.tsx';

export function PlansPage() {
  const { wallet } = useWords();
  const { resources } = useData();
  const offers = useResource<readonly OfferDto[]>('providers');
  const rented = useResource<readonly RentalDto[]>('providers/rented');
  const [renting, setRenting] = useState<OfferDto | undefined>(undefined);
  const [closing, setClosing] = useState<RentalDto | undefined>(undefined);
  const rentals = rented.value ?? [];
  const retry = (): void => resources.invalidate('providers');
  const isRented = (bondId: string): boolean =>
    rentals.some((one) => one.bondId === bondId && one.isActive);
  return (
    <>
      <Panel title={wallet.rented}>
        {rented.value === undefined && rented.problem === undefined && <Skeleton lines={2} />}
        {rented.value === undefined && rented.problem !== undefined && (
          <Failed problem={rented.problem} retry={retry} />
        )}
        {rented.value?.length === 0 && <p>{wallet.nothingRented}</p>}
        <div className="plan-list">
          {rentals.map((rental) => (
            <RentalPlan key={rental.bondId} rental={rental} onClose={() => setClosing(rental)} />
          ))}
        </div>
      </Panel>
      <Panel title={wallet.offers}>
        {offers.value === undefined && offers.problem === undefined && <Skeleton lines={2} />}
        {offers.value === undefined && offers.problem !== undefined && (
          <Failed problem={offers.problem} retry={retry} />
        )}
        {offers.value?.length === 0 && <Empty icon={PackageSearch}>{wallet.noOffers}</Empty>}
        {offers.value !== undefined && offers.value.length > 0 && <p>{wallet.offersHint}</p>}
        <div className="plan-list">
          {(offers.value ?? []).map((offer) => (
            <OfferPlan
              key={offer.bondId}
              offer={offer}
              rental={rentals.find(({ bondId }) => bondId === offer.bondId)}
              onRent={isRented(offer.bondId) ? undefined : () => setRenting(offer)}
            />
          ))}
        </div>
      </Panel>
      {renting !== undefined && <RentSheet offer={renting} onClose={() => setRenting(undefined)} />}
      {closing !== undefined && (
        <CloseSheet rental={closing} onClose={() => setClosing(undefined)} />
      )}
    </>
  );
}
