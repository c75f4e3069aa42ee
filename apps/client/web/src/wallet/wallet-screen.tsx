/** Tokens and what they buy: the wallet, and the plans of storage providers. */
import type { ScreenProps } from '../frame/route.ts';
import { hrefOf } from '../frame/route.ts';
import { useWords } from '../words/use-words.ts';
import { BalancePanel } from './balance-panel.tsx';
import { HistoryPanels } from './history-panels.tsx';
import { PlansPage } from './plans-page.tsx';
import { ReceivePanel } from './receive-panel.tsx';
import { SendPanel } from './send-panel.tsx';
import './wallet.css';

export function WalletScreen({ parts }: ScreenProps) {
  const { wallet } = useWords();
  const isPlans = parts[0] === 'plans';
  return (
    <div className="wallet">
      <h1 className="sr-only">{isPlans ? wallet.plans : wallet.wallet}</h1>
      <nav className="tabs" aria-label={wallet.parts}>
        <a href={hrefOf('wallet')} aria-current={isPlans ? undefined : 'page'}>
          {wallet.wallet}
        </a>
        <a href={hrefOf('wallet', 'plans')} aria-current={isPlans ? 'page' : undefined}>
          {wallet.plans}
        </a>
      </nav>
      {isPlans ? (
        <PlansPage />
      ) : (
        <div className="wallet-panels">
          <BalancePanel />
          <ReceivePanel />
          <SendPanel />
          <HistoryPanels />
        </div>
      )}
    </div>
  );
}
