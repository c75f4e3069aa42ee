/** Giving up a rented mailbox: what ends and what comes back, before it is done. */
import { useState } from 'react';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { ClosedDto, RentalDto } from '../../../src/api/dto.ts';
import { useData } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Facts } from '../ui/form.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { useToast } from '../ui/toasts.tsx';
import { problemText } from '../words/problem-text.ts';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';
import { comesBack, paidUntilMs } from './paid-until.ts';

export interface CloseSheetProps {
  readonly rental: RentalDto;
  readonly onClose: () => void;
}

export function CloseSheet({ rental, onClose }: CloseSheetProps) {
  const { language, words } = useSpeech();
  const { wallet } = words;
  const countOf = useCount();
  const { api, resources } = useData();
  const toast = useToast();
  const [isClosing, setClosing] = useState(false);
  const [fault, setFault] = useState<string | undefined>(undefined);
  const until = paidUntilMs(rental);

  async function close(): Promise<void> {
    setClosing(true);
    setFault(undefined);
    try {
      await api.send<ClosedDto>(`providers/${rental.bondId}/close`, { method: 'POST' });
      resources.invalidate('providers', 'wallet', 'status');
      toast({ text: wallet.closedNow });
      onClose();
    } catch (error) {
      setFault(problemText(words, error));
      setClosing(false);
    }
  }

  return (
    <Sheet title={fill(wallet.closeAt, { endpoint: rental.endpoint })} onClose={onClose}>
      <p>{wallet.closeHint}</p>
      <Facts
        facts={[
          { name: wallet.stored, value: countOf(wallet.objects, rental.storedObjects) },
          { name: wallet.comesBack, value: formatAmount(comesBack(rental)) },
          { name: wallet.staysThere, value: formatAmount(BigInt(rental.channel?.signed ?? '0')) },
          ...(until === undefined
            ? []
            : [{ name: wallet.atLatest, value: fullTime(language, until) }]),
        ]}
      />
      {fault !== undefined && (
        <p className="form-error" role="alert">
          {fault}
        </p>
      )}
      <div className="panel-actions">
        <Button kind="danger" isDisabled={isClosing} onPress={() => void close()}>
          {wallet.close}
        </Button>
        <Button onPress={onClose}>{words.forms.cancel}</Button>
      </div>
    </Sheet>
  );
}
