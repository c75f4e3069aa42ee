/** One milestone, by index or id, with the check of its certificate. */
import { useCallback } from 'react';
import { decodeMilestone } from '@tanglemail/tangle/core/codec/milestone.ts';
import { hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneDto, UtxoChangesDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { Check } from './checked.tsx';
import { Id, IdLink } from './id.tsx';
import { Fact } from './overview.tsx';
import { IdList, Thing } from './thing.tsx';
import { useNodeResource } from './use-node.ts';
import type { Verifier } from './verify.ts';

const ID_LENGTH = 64;

export function MilestonePage({ place }: { readonly place: string }) {
  const { node } = useWords();
  const isId = place.length === ID_LENGTH;
  const path = `milestones/${isId ? 'by-id/' : ''}${encodeURIComponent(place)}`;
  const resource = useNodeResource<MilestoneDto>(path);
  return (
    <Thing title={node.milestone} id={place} path={path} resource={resource}>
      {(milestone) => <Content milestone={milestone} />}
    </Thing>
  );
}

function Content({ milestone }: { readonly milestone: MilestoneDto }) {
  const { language, words } = useSpeech();
  const { node } = words;
  const { index, milestoneId, timestampMs, bytes } = milestone;
  const decoded = decodeMilestone(hexToBytes(bytes));
  const check = useCallback(async (verifier: Verifier) => await verifier.milestone(index), [index]);
  return (
    <>
      <dl className="node-facts">
        <Fact label={node.index}>{index}</Fact>
        <Fact label={node.time}>{fullTime(language, timestampMs)}</Fact>
        {decoded.ok && <Fact label={node.epoch}>{decoded.value.header.epoch}</Fact>}
        {decoded.ok && index > 0 && (
          <Fact label={node.previous}>
            <IdLink kind="milestone" value={decoded.value.header.previousId} />
          </Fact>
        )}
      </dl>
      <Id value={milestoneId} />
      {index > 0 && <Check check={check} />}
      {decoded.ok && <IdList label={node.parents} kind="block" ids={decoded.value.body.parents} />}
      <Changes index={index} />
    </>
  );
}

/** Outputs that it created and consumed. */
function Changes({ index }: { readonly index: number }) {
  const { node } = useWords();
  const { value } = useNodeResource<UtxoChangesDto>(`milestones/${index}/utxo-changes`);
  if (value === undefined) return undefined;
  return (
    <div className="node-columns">
      <IdList label={node.created} kind="output" ids={value.created} />
      <IdList label={node.consumed} kind="output" ids={value.consumed} />
    </div>
  );
}
