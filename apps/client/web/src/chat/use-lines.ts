/** The lines of a conversation, kept fresh by events. After: line-loader.ts. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useData } from '../daemon/use-data.ts';
import { LineLoader, type LineState } from './line-loader.ts';
import type { Line } from './loaded-lines.ts';

/** A component that shows another conversation is another component: give it a `key`. */
export function useLines(id: string): LineState & { readonly loader: LineLoader } {
  const { api, events } = useData();
  const [loader] = useState(
    () =>
      new LineLoader(async (limit, before) => {
        const end = before === undefined ? '' : `&before=${before}`;
        const path = `chat/conversations/${id}/messages?limit=${limit}${end}`;
        return await api.get<readonly Line[]>(path);
      }),
  );
  useEffect(() => {
    loader.refresh();
    return events.subscribe((event) => {
      if (event.topic === '$connected') loader.refresh();
      else if (event.topic === 'chat' && event.data.conversation === id) {
        loader.touched(event.data.message);
      }
    });
  }, [events, loader, id]);
  const state = useSyncExternalStore(loader.watch, loader.state);
  return { ...state, loader };
}
