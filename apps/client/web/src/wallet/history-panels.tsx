/** What came and went, line by line and summed. */
import {
  ArrowDownLeft,
  ArrowUpRight,
  Download,
  type LucideIcon,
  PackageOpen,
  PackagePlus,
  Receipt,
} from 'lucide-react';
import { useState } from 'react';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { WalletLineDto } from '../../../src/api/dto.ts';
import { useNow } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Panel } from '../ui/form.tsx';
import { saveText } from '../ui/save-text.ts';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { shortTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { historyCsv, signedAmount } from './history-csv.ts';
import { isPaid } from './spending.ts';
import { SpendingPanel } from './spending-panel.tsx';
import { MAX_LINES, useHistory } from './use-history.ts';

const PAGE_LINES = 25;

const ICONS: Readonly<Record<WalletLineDto['kind'], LucideIcon>> = {
  sent: ArrowUpRight,
  received: ArrowDownLeft,
  'channel-opened': PackagePlus,
  'channel-closed': PackageOpen,
  voucher: Receipt,
};

export function HistoryPanels() {
  const { wallet } = useWords();
  const { lines, problem, retry } = useHistory();
  const [shown, setShown] = useState(PAGE_LINES);
  return (
    <>
      {lines !== undefined && lines.length > 0 && <SpendingPanel lines={lines} />}
      <Panel title={wallet.history}>
        {lines === undefined && problem === undefined && <Skeleton lines={3} />}
        {lines === undefined && problem !== undefined && <Failed problem={problem} retry={retry} />}
        {lines?.length === 0 && <Empty icon={Receipt}>{wallet.emptyHistory}</Empty>}
        {lines !== undefined && lines.length > 0 && (
          <>
            <ul className="wallet-lines">
              {lines.slice(0, shown).map((line) => (
                <HistoryLine key={line.id} line={line} />
              ))}
            </ul>
            {lines.length === MAX_LINES && <p>{fill(wallet.cut, { n: MAX_LINES })}</p>}
            <div className="panel-actions">
              {lines.length > shown && (
                <Button onPress={() => setShown((before) => before + PAGE_LINES)}>
                  {wallet.older}
                </Button>
              )}
              <Button
                icon={Download}
                onPress={() => saveText(historyCsv(lines), 'text/csv', 'tanglemail-wallet.csv')}
              >
                {wallet.csv}
              </Button>
            </div>
          </>
        )}
      </Panel>
    </>
  );
}

function HistoryLine({ line }: { readonly line: WalletLineDto }) {
  const { language, words } = useSpeech();
  const nowMs = useNow();
  const { kind, detail, atMs, milestoneIndex } = line;
  const Icon = ICONS[kind];
  const amount = signedAmount(line);
  const state = !isPaid(line)
    ? words.wallet.notPaid
    : milestoneIndex === undefined
      ? words.wallet.waiting
      : fill(words.wallet.inMilestone, { index: milestoneIndex });
  return (
    <li className="wallet-line">
      <Icon aria-hidden size={18} />
      <span className="wallet-line-text">
        <span>{words.wallet.kinds[kind]}</span>
        <small className="mono">{detail === 'expired' ? words.wallet.expired : detail}</small>
        <small>
          {shortTime(language, atMs, nowMs)}, {state}
        </small>
      </span>
      <span className={amount > 0n ? 'figures amount-in' : 'figures'}>
        {amount > 0n ? '+' : ''}
        {formatAmount(amount)}
      </span>
    </li>
  );
}
