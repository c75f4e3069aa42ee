/** The pages: which screen is shown where, each loaded when it is first needed. */
import { type ComponentType, lazy, Suspense } from 'react';
import { ComposerPlace } from '../compose/composer.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { Skeleton } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { Guarded } from '../frame/guarded.tsx';
import type { Face } from '../frame/rail.tsx';
import { type ScreenProps, useRoute } from '../frame/route.ts';
import { Shell } from '../frame/shell.tsx';

const SCREENS: Readonly<Partial<Record<Face, ComponentType<ScreenProps>>>> = {
  mail: lazy(async () => ({ default: (await import('../mail/mail-screen.tsx')).MailScreen })),
  wallet: lazy(async () => ({
    default: (await import('../wallet/wallet-screen.tsx')).WalletScreen,
  })),
  settings: lazy(async () => ({
    default: (await import('../settings/settings-screen.tsx')).SettingsScreen,
  })),
};

const FACES = Object.keys(SCREENS) as Face[];

export function App() {
  const { shell } = useWords();
  const [first, ...parts] = useRoute();
  const present = FACES.find((face) => face === first) ?? 'mail';
  const Screen = SCREENS[present];
  return (
    <Toasts>
      <ComposerPlace>
        <Shell faces={FACES} present={present}>
          <Guarded key={present} words={shell}>
            <Suspense fallback={<Skeleton />}>{Screen && <Screen parts={parts} />}</Suspense>
          </Guarded>
        </Shell>
      </ComposerPlace>
    </Toasts>
  );
}
