/** Renting a mailbox: what goes into the channel and what is paid at once, seen before. */
import { useState } from 'react';
import { formatAmount, parseAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { ConfigurationDto } from '../../../src/api/configuration-dto.ts';
import type { OfferDto, RentedDto, WalletDto } from '../../../src/api/dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Facts, Field } from '../ui/form.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { problemText } from '../words/problem-text.ts';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';

export interface RentSheetProps {
  readonly offer: OfferDto;
  readonly onClose: () => void;
}

export function RentSheet({ offer, onClose }: RentSheetProps) {
  const { wallet } = useWords();
  const { resources } = useData();
  const { value, problem } = useResource<ConfigurationDto>('configuration');
  return (
    <Sheet title={fill(wallet.rentAt, { endpoint: offer.endpoint })} onClose={onClose}>
      {value === undefined && problem === undefined && <Skeleton lines={2} />}
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate('configuration')} />
      )}
      {value !== undefined && <RentForm offer={offer} onClose={onClose} terms={value.provider} />}
    </Sheet>
  );
}

interface RentFormProps extends RentSheetProps {
  readonly terms: ConfigurationDto['provider'];
}

function RentForm({ offer, onClose, terms }: RentFormProps) {
  const words = useWords();
  const { wallet } = words;
  const { api, resources } = useData();
  const toast = useToast();
  const [deposit, setDeposit] = useState(formatAmount(BigInt(terms.deposit)));
  const [credit, setCredit] = useState(formatAmount(BigInt(terms.credit)));
  const [isRenting, setRenting] = useState(false);
  const [fault, setFault] = useState<string | undefined>(undefined);
  const into = parseAmount(deposit);
  const atOnce = parseAmount(credit);

  async function rent(): Promise<void> {
    if (into === undefined || atOnce === undefined) {
      setFault(wallet.faults['no-amount']);
      return;
    }
    setRenting(true);
    setFault(undefined);
    try {
      const json = { bondId: offer.bondId, deposit: `${into}`, credit: `${atOnce}` };
      await api.send<RentedDto>('providers/rent', { method: 'POST', json });
      resources.invalidate('providers', 'wallet', 'status');
      toast({ text: wallet.rentedNow });
      onClose();
    } catch (error) {
      setFault(problemText(words, error));
      setRenting(false);
    }
  }

  return (
    <>
      <RentFacts offer={offer} />
      <Field
        label={wallet.deposit}
        hint={wallet.depositHint}
        value={deposit}
        onChange={setDeposit}
        maxLength={32}
      />
      <Field
        label={wallet.credit}
        hint={wallet.creditHint}
        value={credit}
        onChange={setCredit}
        maxLength={32}
      />
      {fault !== undefined && (
        <p className="form-error" role="alert">
          {fault}
        </p>
      )}
      {isRenting && <p role="status">{wallet.renting}</p>}
      <div className="panel-actions">
        <Button kind="main" isDisabled={isRenting} onPress={() => void rent()}>
          {wallet.rent}
        </Button>
        <Button onPress={onClose}>{words.forms.cancel}</Button>
      </div>
    </>
  );
}

/** What one should know before. */
function RentFacts({ offer }: Pick<RentSheetProps, 'offer'>) {
  const { wallet } = useWords();
  const { value: held } = useResource<WalletDto>('wallet');
  return (
    <Facts
      facts={[
        {
          name: wallet.price,
          value: fill(wallet.perMonth, { price: formatAmount(BigInt(offer.pricePerMonth)) }),
        },
        { name: wallet.minChannel, value: formatAmount(BigInt(offer.minChannel)) },
        ...(held === undefined
          ? []
          : [{ name: wallet.available, value: formatAmount(BigInt(held.balance)) }]),
      ]}
    />
  );
}
