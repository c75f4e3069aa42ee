/** The pages: which screen is shown where, each loaded when it is first needed. */
import { type ComponentType, lazy, type ReactNode, Suspense } from 'react';
import { LineDraftsPlace } from '../chat/line-drafts.tsx';
import { ComposerPlace } from '../compose/composer.tsx';
import { Commands } from '../frame/commands.tsx';
import { Guarded } from '../frame/guarded.tsx';
import type { Face } from '../frame/rail.tsx';
import { type ScreenProps, useRoute } from '../frame/route.ts';
import { Shell } from '../frame/shell.tsx';
import { Skeleton } from '../ui/states.tsx';
import { Toasts } from '../ui/toasts.tsx';
import { useWords } from '../words/use-words.ts';

const SCREENS: Readonly<Partial<Record<Face, ComponentType<ScreenProps>>>> = {
  mail: lazy(async () => ({ default: (await import('../mail/mail-screen.tsx')).MailScreen })),
  chat: lazy(async () => ({ default: (await import('../chat/chat-screen.tsx')).ChatScreen })),
  contacts: lazy(async () => ({
    default: (await import('../contacts/contacts-screen.tsx')).ContactsScreen,
  })),
  wallet: lazy(async () => ({
    default: (await import('../wallet/wallet-screen.tsx')).WalletScreen,
  })),
  settings: lazy(async () => ({
    default: (await import('../settings/settings-screen.tsx')).SettingsScreen,
  })),
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
    <Places faces={shown}>
      <Shell faces={shown} present={present}>
        <Guarded key={present} words={shell}>
          <Suspense fallback={<Skeleton />}>{Screen && <Screen parts={parts} />}</Suspense>
        </Guarded>
      </Shell>
    </Places>
  );
}

interface PlacesProps {
  readonly faces: readonly Face[];
  readonly children: ReactNode;
}

/** What lasts while one goes from screen to screen. */
function Places({ faces, children }: PlacesProps) {
  return (
    <Toasts>
      <ComposerPlace>
        <Commands faces={faces}>
          <LineDraftsPlace>{children}</LineDraftsPlace>
        </Commands>
      </ComposerPlace>
    </Toasts>
  );
}
