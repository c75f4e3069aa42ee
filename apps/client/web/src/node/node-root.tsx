/**
 * The face of a node: open to read, without signing in. Before: main.tsx; after: node-screen.tsx.
 */
import { useMemo, useState } from 'react';
import { Spoken, type SpokenProps } from '../app/spoken.tsx';
import { Shell } from '../frame/shell.tsx';
import { useRoute } from '../frame/route.ts';
import { Toasts } from '../ui/toasts.tsx';
import { useWords } from '../words/use-words.ts';
import { NodeScreen } from './node-screen.tsx';
import { BlindProvider, NodeProvider, openNode, useLive, useNodeResource } from './use-node.ts';

export function NodeRoot({ language, words }: Omit<SpokenProps, 'children'>) {
  const [access] = useState(openNode);
  const [isBlind, setBlind] = useState(false);
  const blindness = useMemo(
    () => ({ isBlind, toggle: () => setBlind((before) => !before) }),
    [isBlind],
  );
  return (
    <Spoken language={language} words={words}>
      <NodeProvider value={access}>
        <BlindProvider value={blindness}>
          <NodeApp />
        </BlindProvider>
      </NodeProvider>
    </Spoken>
  );
}

function NodeApp() {
  const [first, ...parts] = useRoute();
  return (
    <Toasts>
      <Shell faces={['node']} present="node" strip={<NodeStrip />}>
        <NodeScreen parts={first === 'node' ? parts : []} />
      </Shell>
    </Toasts>
  );
}

/** Only there when the node does not answer. */
function NodeStrip() {
  const { node } = useWords();
  const { problem, value } = useNodeResource('info');
  const { isConnected } = useLive();
  const isGone = problem?.code === 'unreachable' || (value !== undefined && !isConnected);
  return (
    <div className="status-strip" role="status">
      {isGone ? node.offline : undefined}
    </div>
  );
}
