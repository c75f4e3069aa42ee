/** One output, and whether it is unspent, proven by the state root. */
import { useCallback } from 'react';
import type { OutputInfoDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { useWords } from '../words/use-words.ts';
import { Check } from './checked.tsx';
import { coins } from './figures.ts';
import { IdLink } from './id.tsx';
import { Fact } from './overview.tsx';
import { Thing } from './thing.tsx';
import { useNodeResource } from './use-node.ts';
import type { Verifier } from './verify.ts';

export function OutputPage({ id }: { readonly id: string }) {
  const { node } = useWords();
  const path = `outputs/${encodeURIComponent(id)}`;
  const resource = useNodeResource<OutputInfoDto>(path);
  const check = useCallback(async (verifier: Verifier) => await verifier.output(id), [id]);
  return (
    <Thing title={node.things.output} id={id} path={path} resource={resource}>
      {({ output, blockId, milestoneIndexBooked, spent }) => (
        <>
          <dl className="node-facts">
            <Fact label={node.amount}>{coins(output.amount)}</Fact>
            <Fact label={node.kind}>{node.outputKinds[output.kind]}</Fact>
            {output.kind === 'basic' && (
              <Fact label={node.things.address}>
                <IdLink kind="address" value={output.address} />
              </Fact>
            )}
            <Fact label={node.booked}>
              <a href={`#/node/milestone/${milestoneIndexBooked}`}>{milestoneIndexBooked}</a>
            </Fact>
            {blockId !== undefined && (
              <Fact label={node.block}>
                <IdLink kind="block" value={blockId} />
              </Fact>
            )}
            <Fact label={node.spent}>
              {spent === undefined ? (
                node.no
              ) : (
                <a href={`#/node/milestone/${spent.milestoneIndex}`}>{spent.milestoneIndex}</a>
              )}
            </Fact>
          </dl>
          {spent === undefined && <Check check={check} />}
        </>
      )}
    </Thing>
  );
}
