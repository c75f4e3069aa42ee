/** Sending tokens: typed, looked at once more with what is left, and sent. */
import { Send } from 'lucide-react';
import { useState } from 'react';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { SentTokensDto, WalletDto } from '../../../src/api/dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Facts, Field, Panel } from '../ui/form.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { useToast } from '../ui/toasts.tsx';
import { problemText } from '../words/problem-text.ts';
import { useWords } from '../words/use-words.ts';
import { type PaymentPlan, planPayment } from './payment.ts';

type GoodPlan = Extract<PaymentPlan, { ok: true }>;

export function SendPanel() {
  const words = useWords();
  const { wallet: own } = words;
  const { value } = useResource<WalletDto>('wallet');
  const [to, setTo] = useState('');
  const [amount, setAmount] = useState('');
  const [fault, setFault] = useState<string | undefined>(undefined);
  const [plan, setPlan] = useState<GoodPlan | undefined>(undefined);

  function look(): void {
    if (value === undefined) return;
    const planned = planPayment(to, amount, value);
    setFault(planned.ok ? undefined : own.faults[planned.fault]);
    setPlan(planned.ok ? planned : undefined);
  }

  return (
    <Panel title={own.send}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          look();
        }}
      >
        <Field label={own.to} value={to} onChange={setTo} maxLength={128} />
        <Field
          label={own.amount}
          hint={own.amountHint}
          value={amount}
          onChange={setAmount}
          maxLength={32}
        />
        {fault !== undefined && (
          <p className="form-error" role="alert">
            {fault}
          </p>
        )}
        <div>
          <Button type="submit" icon={Send} isDisabled={value === undefined}>
            {own.review}
          </Button>
        </div>
      </form>
      {plan !== undefined && (
        <ConfirmSheet
          plan={plan}
          onClose={() => setPlan(undefined)}
          onSent={() => {
            setPlan(undefined);
            setTo('');
            setAmount('');
          }}
        />
      )}
    </Panel>
  );
}

interface ConfirmSheetProps {
  readonly plan: GoodPlan;
  readonly onClose: () => void;
  readonly onSent: () => void;
}

function ConfirmSheet({ plan, onClose, onSent }: ConfirmSheetProps) {
  const words = useWords();
  const { wallet: own } = words;
  const { api, resources } = useData();
  const toast = useToast();
  const [isSending, setSending] = useState(false);
  const [fault, setFault] = useState<string | undefined>(undefined);

  async function send(): Promise<void> {
    setSending(true);
    setFault(undefined);
    try {
      const json = { to: plan.to, amount: `${plan.amount}` };
      await api.send<SentTokensDto>('wallet/send', { method: 'POST', json });
      resources.invalidate('wallet', 'status');
      toast({ text: own.sent });
      onSent();
    } catch (error) {
      setFault(problemText(words, error));
      setSending(false);
    }
  }

  return (
    <Sheet title={own.confirm} onClose={onClose}>
      <Facts
        facts={[
          { name: own.to, value: plan.to, isMono: true },
          { name: own.amount, value: formatAmount(plan.amount) },
          { name: own.rest, value: formatAmount(plan.rest) },
        ]}
      />
      <p>{own.confirmHint}</p>
      {fault !== undefined && (
        <p className="form-error" role="alert">
          {fault}
        </p>
      )}
      <div className="panel-actions">
        <Button kind="main" isDisabled={isSending} onPress={() => void send()}>
          {own.sendNow}
        </Button>
        <Button onPress={onClose}>{words.forms.cancel}</Button>
      </div>
    </Sheet>
  );
}
