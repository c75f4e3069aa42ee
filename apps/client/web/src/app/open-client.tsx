/** The client's pages: signs the browser in. Before: main.tsx; after: root.tsx. */
import type { ReactNode } from 'react';
import { Api } from '../daemon/api.ts';
import { forgetKey, signIn } from '../daemon/session.ts';
import { openData } from '../daemon/use-data.ts';
import { Root, type RootProps } from './root.tsx';

export async function openClient(start: Omit<RootProps, 'data'>): Promise<ReactNode> {
  const pageKey = await signIn().catch(() => {
    forgetKey();
    return undefined;
  });
  const data = pageKey === undefined ? undefined : openData(new Api(pageKey));
  return <Root {...start} data={data} />;
}
