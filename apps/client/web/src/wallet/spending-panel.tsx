/** Spending by month and by provider. */
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { RentalDto, WalletLineDto } from '../../../src/api/dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { Facts, Panel } from '../ui/form.tsx';
import { useCount, useSpeech, useWords } from '../words/use-words.ts';
import { monthText, spentIn, sumByMonth, sumByProvider } from './spending.ts';

/** A year; the file of the history has the rest. */
const SHOWN_MONTHS = 12;

export function SpendingPanel({ lines }: { readonly lines: readonly WalletLineDto[] }) {
  const { language, words } = useSpeech();
  const { wallet } = words;
  const months = sumByMonth(lines).slice(0, SHOWN_MONTHS);
  return (
    <Panel title={wallet.spending}>
      <div className="sums">
        {months.map((sums) => (
          <article key={sums.month} className="plan">
            <h3>{monthText(language, sums.month)}</h3>
            <Facts
              facts={[
                { name: wallet.sums.spent, value: formatAmount(spentIn(sums)) },
                { name: wallet.sums.sent, value: formatAmount(sums.sent) },
                { name: wallet.sums.deposited, value: formatAmount(sums.deposited) },
                { name: wallet.sums.returned, value: formatAmount(sums.returned) },
                { name: wallet.sums.received, value: formatAmount(sums.received) },
              ]}
            />
          </article>
        ))}
      </div>
      <p>{wallet.spendingHint}</p>
      <ProviderSpending lines={lines} />
    </Panel>
  );
}

function ProviderSpending({ lines }: { readonly lines: readonly WalletLineDto[] }) {
  const { wallet } = useWords();
  const countOf = useCount();
  const { value: rentals = [] } = useResource<readonly RentalDto[]>('providers/rented');
  const providers = sumByProvider(lines, rentals);
  return (
    <div className="sums">
      {providers.map(({ payee, endpoint, channelCount, deposited }) => (
        <article key={payee} className="plan">
          <h3 className="mono">{endpoint ?? payee}</h3>
          <Facts
            facts={[
              { name: wallet.sums.deposited, value: formatAmount(deposited) },
              { name: wallet.channels, value: countOf(wallet.channelCount, channelCount) },
            ]}
          />
        </article>
      ))}
    </div>
  );
}
