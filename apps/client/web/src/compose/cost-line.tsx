/** What keeping a mail costs, before it is sent. Each recipient's provider is paid by its owner. */
import { useEffect, useState } from 'react';
import type { QuoteDto } from '../../../src/api/parcels-dto.ts';
import { formatAmount } from '@tanglemail/tangle/core/codec/amount.ts';
import { useData } from '../daemon/use-data.ts';
import { fill } from '../words/plurals.ts';
import { sizeText } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';

export interface CostLineProps {
  readonly to: readonly string[];
  readonly sizeBytes: number;
}

/** A pause in typing before it is asked again. */
const PAUSE_MS = 600;

export function CostLine({ to, sizeBytes }: CostLineProps) {
  const { api } = useData();
  const { language, words } = useSpeech();
  const countOf = useCount();
  const [quotes, setQuotes] = useState<readonly QuoteDto[] | undefined>(undefined);
  const asked = to.join('\n');
  useEffect(() => {
    if (asked === '') return undefined;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      const json = { to: asked.split('\n'), sizeBytes };
      const call = { method: 'POST', json, signal: controller.signal } as const;
      api.send<readonly QuoteDto[]>('quote', call).then(setQuotes, () => setQuotes(undefined));
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [api, asked, sizeBytes]);
  if (asked === '' || quotes === undefined) {
    return <p className="compose-cost">{sizeText(language, sizeBytes)}</p>;
  }
  // A copy that the own providers do not keep stays on this device, and the mail goes all the same.
  const refused = quotes.filter(({ code, isCopy }) => code !== undefined && isCopy !== true);
  const cost = quotes.reduce((sum, { recipientCost }) => sum + BigInt(recipientCost ?? '0'), 0n);
  const providers = quotes.reduce((sum, one) => sum + one.providers, 0);
  return (
    <p className={refused.length > 0 ? 'compose-cost compose-cost-refused' : 'compose-cost'}>
      {refused.length > 0
        ? refused
            .map(({ address, code = '' }) => fill(words.compose.refused, { address, code }))
            .join(' ')
        : fill(words.compose.cost, {
            size: sizeText(language, sizeBytes),
            providers: countOf(words.compose.providers, providers),
            cost: formatAmount(cost),
          })}
    </p>
  );
}
