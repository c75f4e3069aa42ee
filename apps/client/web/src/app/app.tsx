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
};

const FACES = Object.keys(SCREENS) as Face[];

export interface AppProps {
  /** Those that the daemon stands behind. */
  readonly faces: readonly string[];
}

export function App({ faces }: AppProps) {
  const { shell } = useWords();
  const [first, ...parts] = useRoute();
  const shown = FACES.filter((face) => faces.includes(face));
  const present = shown.find((face) => face === first) ?? 'mail';
  const Screen = SCREENS[present];
  return (
    <Toasts>
      <ComposerPlace>
        <Shell faces={shown} present={present}>
          <Guarded key={present} words={shell}>
            <Suspense fallback={<Skeleton />}>{Screen && <Screen parts={parts} />}</Suspense>
          </Guarded>
        </Shell>
      </ComposerPlace>
    </Toasts>
  );
}
