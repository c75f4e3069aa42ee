/** What the wallet holds, as of when, and what is on its way out. */
import { Clock } from 'lucide-react';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { useData } from '../daemon/use-data.ts';
import { Chip } from '../ui/chip.tsx';
import { Panel } from '../ui/form.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { BalanceFigure } from './balance-figure.tsx';
import { useWallet } from './use-wallet.ts';

export function BalancePanel() {
  const { wallet } = useWords();
  const { resources } = useData();
  const { value, problem } = useWallet();
  const retry = (): void => resources.invalidate('wallet');
  return (
    <Panel title={wallet.balance}>
      {value === undefined && problem === undefined && <Skeleton lines={1} />}
      {value === undefined && problem !== undefined && <Failed problem={problem} retry={retry} />}
      {value !== undefined && (
        <>
          <BalanceFigure wallet={value} />
          {value.pending !== '0' && (
            <Chip icon={Clock} tone="info">
              {fill(wallet.pending, { amount: formatAmount(BigInt(value.pending)) })}
            </Chip>
          )}
          <p>{wallet.balanceHint}</p>
        </>
      )}
    </Panel>
  );
}
