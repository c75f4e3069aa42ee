/** One block: where it hangs, what it carries, what became of it, and the proof of that. */
import { useCallback } from 'react';
import type { BlockDto, PayloadJson } from '@tanglemail/tangle/io/node-client/block-dto.ts';
import type {
  BlockMetadataDto,
  ChildrenDto,
  OutputDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { sizeText } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { Check } from './checked.tsx';
import { coins } from './figures.ts';
import { IdLink } from './id.tsx';
import { Fact } from './overview.tsx';
import { tagText } from './search-text.ts';
import { IdList, Thing } from './thing.tsx';
import { useNodeResource } from './use-node.ts';
import type { Verifier } from './verify.ts';

const EVERY_MS = 3_000;

export function BlockPage({ id }: { readonly id: string }) {
  const { node } = useWords();
  const path = `blocks/${encodeURIComponent(id)}`;
  const block = useNodeResource<BlockDto>(path);
  return (
    <Thing title={node.block} id={id} path={path} resource={block}>
      {({ block: { parents, payload }, bytes }) => (
        <>
          <Inclusion path={path} id={id} sizeBytes={bytes.length / 2} />
          <div className="node-columns">
            <IdList label={node.parents} kind="block" ids={parents} />
            <Children path={path} />
          </div>
          <Payload payload={payload} />
        </>
      )}
    </Thing>
  );
}

interface InclusionProps {
  readonly path: string;
  readonly id: string;
  readonly sizeBytes: number;
}

/** Looks again until a milestone has the block; then the proof is checked. */
function Inclusion({ path, id, sizeBytes }: InclusionProps) {
  const { language, words } = useSpeech();
  const { node } = words;
  const first = useNodeResource<BlockMetadataDto>(`${path}/metadata`).value;
  const isOpen = first?.referencedByMilestoneIndex === undefined;
  const { value } = useNodeResource<BlockMetadataDto>(
    `${path}/metadata`,
    isOpen ? EVERY_MS : undefined,
  );
  const check = useCallback(async (verifier: Verifier) => await verifier.block(id), [id]);
  if (value === undefined) return undefined;
  const { referencedByMilestoneIndex: index, ledgerInclusionState: state, solid } = value;
  return (
    <>
      <dl className="node-facts">
        <Fact label={node.size}>{sizeText(language, sizeBytes)}</Fact>
        <Fact label={node.solid}>{solid ? node.yes : node.no}</Fact>
        <Fact label={node.milestone}>
          {index === undefined ? (
            node.states.pending
          ) : (
            <a href={`#/node/milestone/${index}`}>{index}</a>
          )}
        </Fact>
        {value.whiteFlagIndex !== undefined && (
          <Fact label={node.place}>{value.whiteFlagIndex}</Fact>
        )}
        {state !== undefined && <Fact label={node.ledger}>{node.inclusion[state]}</Fact>}
        {value.conflictCode !== undefined && (
          <Fact label={node.conflictCode}>{value.conflictCode}</Fact>
        )}
      </dl>
      {index !== undefined && <Check check={check} />}
    </>
  );
}

function Children({ path }: { readonly path: string }) {
  const { node } = useWords();
  const { value } = useNodeResource<ChildrenDto>(`${path}/children`, EVERY_MS);
  return <IdList label={node.children} kind="block" ids={value?.children ?? []} />;
}

/** Each output with its number, which is its name within the transaction. */
function numbered(outputs: readonly OutputDto[]): [string, OutputDto][] {
  return outputs.map((output, place) => [`${place}`, output]);
}

function Payload({ payload }: { readonly payload: PayloadJson | null }) {
  const { language, words } = useSpeech();
  const { node } = words;
  const kind = payload?.kind ?? 'none';
  return (
    <section aria-label={node.payload}>
      <h3>
        {node.payload}: {node.kinds[kind]}
      </h3>
      {payload?.kind === 'envelope' && (
        <p>
          {node.sealed} {sizeText(language, payload.data.length / 2)}
        </p>
      )}
      {payload?.kind === 'tagged-data' && (
        <dl className="node-facts">
          <Fact label={node.things.tag}>
            <a href={`#/node/tag/${payload.tag}`}>{tagText(payload.tag) ?? payload.tag}</a>
          </Fact>
          <Fact label={node.size}>{sizeText(language, payload.data.length / 2)}</Fact>
        </dl>
      )}
      {payload?.kind === 'transaction' && (
        <div className="node-columns">
          <IdList label={node.inputs} kind="output" ids={payload.inputs} />
          <div>
            <h3>{node.outputs}</h3>
            <ul className="node-ids">
              {numbered(payload.outputs).map(([place, output]) => (
                <li key={place}>
                  <span className="figures">{coins(output.amount)}</span>{' '}
                  {output.kind === 'basic' && <IdLink kind="address" value={output.address} />}
                </li>
              ))}
            </ul>
          </div>
        </div>
      )}
    </section>
  );
}
