/** What stands around every screen: the faces, the strip for what is wrong, the content. */
import { type ReactNode, useRef } from 'react';
import type { StatusDto } from '../../../src/api/dto.ts';
import { useIsConnected, useResource } from '../daemon/use-data.ts';
import { useWords } from '../words/use-words.ts';
import { type Face, Rail } from './rail.tsx';
import './shell.css';

export interface ShellProps {
  readonly faces: readonly Face[];
  readonly present: Face;
  readonly children: ReactNode;
  /** What is wrong, in place of what the client's daemon says. */
  readonly strip?: ReactNode;
}

export function Shell({ faces, present, children, strip }: ShellProps) {
  const { shell } = useWords();
  const content = useRef<HTMLElement>(null);
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => content.current?.focus()}>
        {shell.skip}
      </button>
      {strip ?? <StatusStrip />}
      <Rail faces={faces} present={present} />
      <main ref={content} className="shell-content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

/** Only there when something is wrong. */
function StatusStrip() {
  const { shell } = useWords();
  const isConnected = useIsConnected();
  const { value, problem } = useResource<StatusDto>('status');
  const isUnreachable = problem?.code === 'unreachable' || (value !== undefined && !isConnected);
  const text = isUnreachable
    ? shell.offline
    : value?.node.reachable === false
      ? shell.notSynced
      : undefined;
  return (
    <div className="status-strip" role="status">
      {text}
    </div>
  );
}
