/** A balance with its age, which is never left out; grey when it is too old. */
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import type { WalletDto } from '../../../src/api/dto.ts';
import { fill } from '../words/plurals.ts';
import { useSpeech } from '../words/use-words.ts';
import './balance.css';
import { ageText, isStale } from './ages.ts';
import { useSeconds } from './use-wallet.ts';

export function BalanceFigure({ wallet }: { readonly wallet: WalletDto }) {
  const { language, words } = useSpeech();
  const nowMs = useSeconds();
  const { balance, asOf } = wallet;
  const ageMs = asOf === null ? undefined : nowMs - asOf.timestampMs;
  const isOld = ageMs === undefined || isStale(ageMs);
  return (
    <div className={isOld ? 'balance balance-old' : 'balance'}>
      <strong className="balance-figure figures">{formatAmount(BigInt(balance))}</strong>
      <span className="balance-age figures">
        {asOf === null || ageMs === undefined
          ? words.wallet.noMilestone
          : fill(isOld ? words.wallet.stale : words.wallet.asOf, {
              index: asOf.index,
              age: ageText(language, ageMs),
            })}
      </span>
    </div>
  );
}
