/** The wallet as the pages show it: asked for again and again, with a clock for its age. */
import { useEffect, useState } from 'react';
import type { WalletDto } from '../../../src/api/dto.ts';
import type { Resource } from '../daemon/resources.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { REFRESH_MS } from './ages.ts';

const TICK_MS = 1_000;

/** Milliseconds since 1970, a second behind at most. */
export function useSeconds(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** The wallet, looked at anew while the page is in view. */
export function useWallet(): Resource<WalletDto> {
  const { resources } = useData();
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') resources.invalidate('wallet');
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [resources]);
  return useResource<WalletDto>('wallet');
}
