/** Opens the composer from any screen. The composer itself is loaded when it is first needed. */
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useContext,
  useMemo,
  useState,
} from 'react';
import { type ComposeStart, NOTHING, type Writing } from './start.ts';

const ComposeDialog = lazy(async () => ({
  default: (await import('./compose-dialog.tsx')).ComposeDialog,
}));

export interface Composer {
  readonly write: (writing?: Partial<Writing>) => void;
  readonly openDraft: (draftId: string) => void;
}

const ComposerContext = createContext<Composer | undefined>(undefined);

export function ComposerPlace({ children }: { readonly children: ReactNode }) {
  const [start, setStart] = useState<ComposeStart | undefined>(undefined);
  const composer = useMemo<Composer>(
    () => ({
      write: (writing = {}) => setStart({ kind: 'new', writing: { ...NOTHING, ...writing } }),
      openDraft: (draftId) => setStart({ kind: 'draft', draftId }),
    }),
    [],
  );
  return (
    <ComposerContext.Provider value={composer}>
      {children}
      {start !== undefined && (
        <Suspense>
          <ComposeDialog start={start} onClose={() => setStart(undefined)} />
        </Suspense>
      )}
    </ComposerContext.Provider>
  );
}

export function useComposer(): Composer {
  const composer = useContext(ComposerContext);
  if (composer === undefined) throw new Error('broken invariant: a screen stands in ComposerPlace');
  return composer;
}
