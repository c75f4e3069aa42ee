/** Lines that are begun and not sent, kept for each conversation while the page is open. */
import { createContext, type ReactNode, useContext, useState, useSyncExternalStore } from 'react';
import { LineDrafts } from './line-drafts-store.ts';

const DraftsContext = createContext<LineDrafts | undefined>(undefined);

export function LineDraftsPlace({ children }: { readonly children: ReactNode }) {
  const [drafts] = useState(() => new LineDrafts());
  return <DraftsContext.Provider value={drafts}>{children}</DraftsContext.Provider>;
}

export function useLineDrafts(): LineDrafts {
  const drafts = useContext(DraftsContext);
  if (drafts === undefined) throw new Error('broken invariant: chat stands in LineDraftsPlace');
  return drafts;
}

/** The line that is begun in a conversation. */
export function useLineDraft(key: string): string {
  const drafts = useLineDrafts();
  return useSyncExternalStore(drafts.watch, () => drafts.get(key));
}
