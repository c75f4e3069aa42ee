/** Ids and names: short where they are links, whole where they are copied, hidden in blind mode. */
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { hrefOf } from '../frame/route.ts';
import { IconButton } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { shortId } from './figures.ts';
import { useBlindness } from './use-node.ts';

const HIDDEN = '••••••';

/** An id as a link to its page, shortened. */
export function IdLink({ kind, value }: { readonly kind: string; readonly value: string }) {
  const { isBlind } = useBlindness();
  return (
    <a className="mono" href={hrefOf('node', kind, value)}>
      {isBlind ? HIDDEN : shortId(value)}
    </a>
  );
}

/** A name or an address of a peer or of the node. */
export function Name({ children }: { readonly children: string }) {
  const { isBlind } = useBlindness();
  return <>{isBlind ? HIDDEN : children}</>;
}

/** A whole id with a button that copies it. */
export function Id({ value }: { readonly value: string }) {
  const { node } = useWords();
  const { isBlind } = useBlindness();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <span className="node-id">
      <span className="mono">{isBlind ? HIDDEN : value}</span>
      <IconButton
        icon={isCopied ? Check : Copy}
        label={isCopied ? node.copied : fill(node.copy, { id: isBlind ? '' : shortId(value) })}
        onPress={() => void copy()}
      />
    </span>
  );
}
