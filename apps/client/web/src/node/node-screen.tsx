/** The screens of a node and the bar above them. */
import { Eye, EyeOff, LogIn, LogOut } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import type { InfoDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { Guarded } from '../frame/guarded.tsx';
import { hrefOf, type ScreenProps } from '../frame/route.ts';
import { IconButton } from '../ui/button.tsx';
import { Skeleton } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { Name } from './id.tsx';
import { Overview } from './overview.tsx';
import { Peers } from './peers.tsx';
import { SearchBox } from './search-box.tsx';
import { SignInDialog } from './sign-in-dialog.tsx';
import { useBlindness, useIsOperator, useNode, useNodeResource } from './use-node.ts';
import './node.css';

const Explorer = lazy(async () => ({ default: (await import('./explorer.tsx')).Explorer }));
const Drawings = lazy(async () => ({ default: (await import('./drawings.tsx')).Drawings }));
const DagPage = lazy(async () => ({ default: (await import('./drawings.tsx')).DagPage }));

export function NodeScreen({ parts }: ScreenProps) {
  const { shell } = useWords();
  const [first] = parts;
  return (
    <div className="node">
      <NodeBar present={first} />
      <Guarded key={parts.join('/')} words={shell}>
        <Suspense fallback={<Skeleton />}>
          <Page parts={parts} />
        </Suspense>
      </Guarded>
    </div>
  );
}

function Page({ parts }: ScreenProps) {
  switch (parts[0]) {
    case undefined:
      return (
        <Overview
          drawings={
            <Suspense fallback={<Skeleton lines={3} />}>
              <Drawings />
            </Suspense>
          }
        />
      );
    case 'dag':
      return <DagPage />;
    case 'peers':
      return <Peers />;
    default:
      return <Explorer parts={parts} />;
  }
}

function NodeBar({ present }: { readonly present: string | undefined }) {
  const { node, faces, dag } = useWords();
  const { value } = useNodeResource<InfoDto>('info');
  const { isBlind, toggle } = useBlindness();
  const links = [
    [undefined, node.overview, hrefOf('node')],
    ['dag', dag.title, hrefOf('node', 'dag')],
    ['peers', node.peers, hrefOf('node', 'peers')],
  ] as const;
  return (
    <header className="node-bar">
      <h1 className="cut">{value === undefined ? faces.node : <Name>{value.networkName}</Name>}</h1>
      <nav aria-label={faces.node}>
        {links.map(([name, text, href]) => (
          <a key={text} href={href} aria-current={name === present ? 'page' : undefined}>
            {text}
          </a>
        ))}
      </nav>
      <SearchBox />
      <div className="node-tools">
        <IconButton
          icon={isBlind ? EyeOff : Eye}
          label={isBlind ? node.showNames : node.hideNames}
          isOn={isBlind}
          onPress={toggle}
        />
        <OperatorButton />
      </div>
    </header>
  );
}

function OperatorButton() {
  const { node } = useWords();
  const { api } = useNode();
  const isOperator = useIsOperator();
  const [isAsking, setAsking] = useState(false);
  return isOperator ? (
    <IconButton icon={LogOut} label={node.signOut} onPress={() => api.signOut()} />
  ) : (
    <>
      <IconButton icon={LogIn} label={node.signIn} onPress={() => setAsking(true)} />
      {isAsking && <SignInDialog onClose={() => setAsking(false)} />}
    </>
  );
}
