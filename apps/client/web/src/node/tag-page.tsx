/** The newest blocks with a tag. */
import type { TaggedDataPageDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { useWords } from '../words/use-words.ts';
import { INDEXER } from './node-api.ts';
import { tagText } from './search-text.ts';
import { IdList, Thing } from './thing.tsx';
import { useNodeResource } from './use-node.ts';

export function TagPage({ tag }: { readonly tag: string }) {
  const { node } = useWords();
  const path = `${INDEXER}tagged-data?tag=${encodeURIComponent(tag)}&limit=100`;
  const resource = useNodeResource<TaggedDataPageDto>(path);
  const text = tagText(tag);
  const title = text === undefined ? node.things.tag : `${node.things.tag}: ${text}`;
  return (
    <Thing title={title} id={tag} path={path} resource={resource}>
      {({ items }) => (
        <IdList label={node.latest} kind="block" ids={items.map(({ blockId }) => blockId)} />
      )}
    </Thing>
  );
}
