/** What an address owns at least, proven by the state root of one milestone. */
import { useCallback } from 'react';
import type { BalanceDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { useWords } from '../words/use-words.ts';
import { Check } from './checked.tsx';
import { coins } from './figures.ts';
import { Fact } from './overview.tsx';
import { IdList, Thing } from './thing.tsx';
import { useNodeResource } from './use-node.ts';
import type { Verifier } from './verify.ts';

export function AddressPage({ address }: { readonly address: string }) {
  const { node } = useWords();
  const path = `addresses/${encodeURIComponent(address)}/balance`;
  const resource = useNodeResource<BalanceDto>(path);
  return (
    <Thing title={node.things.address} id={address} path={path} resource={resource}>
      {(balance) => <Balance balance={balance} />}
    </Thing>
  );
}

function Balance({ balance }: { readonly balance: BalanceDto }) {
  const { node } = useWords();
  const { address, amount, ledgerIndex, outputs, cursor } = balance;
  const check = useCallback(
    async (verifier: Verifier) => await verifier.balance(address),
    [address],
  );
  return (
    <>
      <dl className="node-facts">
        <Fact label={cursor === undefined ? node.balance : node.balanceAtLeast}>
          {coins(amount)}
        </Fact>
        <Fact label={node.milestone}>
          <a href={`#/node/milestone/${ledgerIndex}`}>{ledgerIndex}</a>
        </Fact>
      </dl>
      <Check check={check} />
      <IdList label={node.outputs} kind="output" ids={outputs.map(({ outputId }) => outputId)} />
    </>
  );
}
