/** Checks a proof in this browser and says what was checked, or what failed. After: verify.ts. */
import { ShieldAlert, ShieldCheck } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { fill } from '../words/plurals.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { coins } from './figures.ts';
import { Id } from './id.tsx';
import type { NodeApi } from './node-api.ts';
import { useNode } from './use-node.ts';
import type { Checked, Verifier } from './verify.ts';

export interface CheckProps {
  /** What to check; another function is checked anew. */
  readonly check: (verifier: Verifier) => Promise<Checked>;
}

type Outcome =
  | { readonly state: 'running' }
  | { readonly state: 'checked'; readonly checked: Checked }
  | { readonly state: 'failed'; readonly code: string; readonly text: string };

export function Check({ check }: CheckProps) {
  const [round, setRound] = useState(0);
  return <Round key={round} check={check} onAgain={() => setRound(round + 1)} />;
}

/** One try. */
function Round({ check, onAgain }: CheckProps & { readonly onAgain: () => void }) {
  const { node, state } = useWords();
  const { api } = useNode();
  const [outcome, setOutcome] = useState<Outcome>({ state: 'running' });
  useEffect(() => {
    let isCurrent = true;
    const run = async (): Promise<void> => {
      const found = await outcomeOf(api, check);
      if (isCurrent) setOutcome(found);
    };
    void run();
    return () => {
      isCurrent = false;
    };
  }, [api, check]);
  const acceptGenesis = async (): Promise<void> => {
    const { forgetGenesis } = await import('./verify.ts');
    forgetGenesis(localStorage);
    onAgain();
  };
  return (
    <section className="node-check" aria-live="polite" aria-label={node.proof}>
      {outcome.state === 'running' && <p>{node.checking}</p>}
      {outcome.state === 'checked' && <WhatWasChecked checked={outcome.checked} />}
      {outcome.state === 'failed' && (
        <>
          <Chip icon={ShieldAlert} tone="err">
            {node.checkFailed}
          </Chip>
          <p>{outcome.code === 'genesis-changed' ? node.genesisChanged : outcome.text}</p>
          {outcome.code === 'genesis-changed' ? (
            <Button onPress={() => void acceptGenesis()}>{node.acceptGenesis}</Button>
          ) : (
            <Button onPress={onAgain}>{state.retry}</Button>
          )}
        </>
      )}
    </section>
  );
}

async function outcomeOf(api: NodeApi, check: CheckProps['check']): Promise<Outcome> {
  try {
    const { Verifier: Checker } = await import('./verify.ts');
    return { state: 'checked', checked: await check(await Checker.open(api, localStorage)) };
  } catch (error) {
    return { state: 'failed', ...failureOf(error) };
  }
}

function WhatWasChecked({ checked }: { readonly checked: Checked }) {
  const { language, words } = useSpeech();
  const { node } = words;
  const { checks, milestoneIndex, genesisId, amount } = checked;
  const facts = {
    index: new Intl.NumberFormat(language).format(milestoneIndex),
    amount: amount === undefined ? '' : coins(amount),
  };
  return (
    <>
      <Chip icon={ShieldCheck} tone="ok">
        {node.checked}
      </Chip>
      <ul>
        {checks.map((one) => (
          <li key={one}>{fill(node.checks[one], facts)}</li>
        ))}
      </ul>
      <p className="node-hint">
        {node.trustBegins} <Id value={genesisId} />
      </p>
    </>
  );
}

function failureOf(error: unknown): { readonly code: string; readonly text: string } {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return { code: typeof code === 'string' ? code : 'internal', text: String(message ?? error) };
}
