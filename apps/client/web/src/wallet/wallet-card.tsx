/** The wallet at a glance, in the side pane of the mail. */
import type { RentalDto, WalletDto } from '../../../src/api/dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { hrefOf } from '../frame/route.ts';
import { fill } from '../words/plurals.ts';
import { shortTime } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';
import { BalanceFigure } from './balance-figure.tsx';
import { firstEndMs } from './paid-until.ts';
import { ExpiryChip } from './rental-plan.tsx';
import { useSeconds, useWallet } from './use-wallet.ts';
import './wallet-card.css';

export function WalletCard() {
  const { wallet } = useSpeech().words;
  const { value } = useWallet();
  const { value: rentals } = useResource<readonly RentalDto[]>('providers/rented');
  if (value === undefined) return undefined;
  return (
    <section className="wallet-card" aria-label={wallet.wallet}>
      <Balance wallet={value} />
      {rentals !== undefined && <Mailboxes rentals={rentals} />}
    </section>
  );
}

function Balance({ wallet }: { readonly wallet: WalletDto }) {
  const words = useSpeech().words.wallet;
  return (
    <>
      <a href={hrefOf('wallet')}>{words.wallet}</a>
      <BalanceFigure wallet={wallet} />
    </>
  );
}

function Mailboxes({ rentals }: { readonly rentals: readonly RentalDto[] }) {
  const { language, words } = useSpeech();
  const { wallet } = words;
  const countOf = useCount();
  const nowMs = useSeconds();
  const active = rentals.filter(({ isActive }) => isActive);
  const end = firstEndMs(rentals);
  if (active.length === 0) return <a href={hrefOf('wallet', 'plans')}>{wallet.rentFirst}</a>;
  const objects = active.reduce((most, one) => Math.max(most, one.storedObjects), 0);
  return (
    <>
      <small>{countOf(wallet.objects, objects)}</small>
      {end !== undefined && (
        <>
          <small>{fill(wallet.paidUntilShort, { date: shortTime(language, end, nowMs) })}</small>
          <ExpiryChip untilMs={end} />
        </>
      )}
    </>
  );
}
