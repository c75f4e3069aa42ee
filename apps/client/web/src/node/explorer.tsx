/** Which page of the explorer is shown: `#/node/block/ID` and so on. Loaded when first needed. */
import { FileQuestion } from 'lucide-react';
import type { ScreenProps } from '../frame/route.ts';
import { Empty } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { AddressPage } from './address-page.tsx';
import { BlockPage } from './block-page.tsx';
import { MilestonePage } from './milestone-page.tsx';
import { OutputPage } from './output-page.tsx';
import { SearchPage } from './search-page.tsx';
import { TagPage } from './tag-page.tsx';

export function Explorer({ parts }: ScreenProps) {
  const { node } = useWords();
  const [kind, value = ''] = parts;
  switch (kind) {
    case 'search':
      return <SearchPage key={value} text={value} />;
    case 'block':
      return <BlockPage key={value} id={value} />;
    case 'milestone':
      return <MilestonePage key={value} place={value} />;
    case 'output':
      return <OutputPage key={value} id={value} />;
    case 'address':
      return <AddressPage key={value} address={value} />;
    case 'tag':
      return <TagPage key={value} tag={value} />;
    default:
      return <Empty icon={FileQuestion}>{node.noPage}</Empty>;
  }
}
