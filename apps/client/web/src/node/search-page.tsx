/** Asks the node for everything that the text may be; one find is opened, several are listed. */
import { SearchX } from 'lucide-react';
import { useEffect, useState } from 'react';
import type {
  BlockMetadataDto,
  OutputsPageDto,
  TaggedDataPageDto,
} from '@tanglemail/tangle/io/node-client/dto.ts';
import { ApiProblem } from '../daemon/problem.ts';
import { hrefOf } from '../frame/route.ts';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { shortId } from './figures.ts';
import { INDEXER, type NodeApi } from './node-api.ts';
import { type Candidate, candidatesOf } from './search-text.ts';
import { useNode } from './use-node.ts';

interface Find {
  readonly kind: Candidate['kind'];
  readonly href: string;
  readonly value: string;
}

type Outcome =
  | { readonly state: 'running' }
  | { readonly state: 'done'; readonly finds: readonly Find[] }
  | { readonly state: 'failed'; readonly problem: ApiProblem };

export function SearchPage({ text }: { readonly text: string }) {
  const [round, setRound] = useState(0);
  return <Round key={round} text={text} onAgain={() => setRound(round + 1)} />;
}

interface RoundProps {
  readonly text: string;
  readonly onAgain: () => void;
}

/** One try. */
function Round({ text, onAgain }: RoundProps) {
  const { node } = useWords();
  const { api } = useNode();
  const [outcome, setOutcome] = useState<Outcome>({ state: 'running' });
  useEffect(() => {
    let isCurrent = true;
    const run = async (): Promise<void> => {
      const found = await outcomeOf(api, text);
      if (!isCurrent) return;
      const [only, ...others] = found.state === 'done' ? found.finds : [];
      // The search itself shall not stay in the way of the back key.
      if (only !== undefined && others.length === 0) location.replace(only.href);
      else setOutcome(found);
    };
    void run();
    return () => {
      isCurrent = false;
    };
  }, [api, text]);
  if (outcome.state === 'running') return <Skeleton />;
  if (outcome.state === 'failed') {
    return <Failed problem={outcome.problem} retry={onAgain} />;
  }
  if (outcome.finds.length === 0) {
    return <Empty icon={SearchX}>{fill(node.notFound, { text: text.slice(0, 80) })}</Empty>;
  }
  return (
    <section className="node-panel" aria-labelledby="node-found">
      <h2 id="node-found">{node.found}</h2>
      <ul className="node-list">
        {outcome.finds.map(({ kind, href, value }) => (
          <li key={href}>
            <a href={href}>{node.things[kind]}</a>
            <span className="mono">{shortId(value)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function outcomeOf(api: NodeApi, text: string): Promise<Outcome> {
  try {
    return { state: 'done', finds: await findAll(api, text) };
  } catch (error) {
    if (error instanceof ApiProblem) return { state: 'failed', problem: error };
    return { state: 'failed', problem: new ApiProblem('internal', 0, String(error)) };
  }
}

async function findAll(api: NodeApi, text: string): Promise<Find[]> {
  const tried = candidatesOf(text).map(async (one) => await find(api, one));
  return (await Promise.all(tried)).filter((one) => one !== undefined);
}

/** What the node has under this candidate; undefined for nothing. Throws ApiProblem. */
async function find(api: NodeApi, candidate: Candidate): Promise<Find | undefined> {
  const { kind, value } = candidate;
  const place = (page: string, id = value): Find => ({
    kind,
    value,
    href: hrefOf('node', page, id),
  });
  try {
    switch (kind) {
      case 'block':
        await api.get(`blocks/${value}/metadata`);
        return place('block');
      case 'transaction': {
        const path = `transactions/${value}/included-block/metadata`;
        return place('block', (await api.get<BlockMetadataDto>(path)).blockId);
      }
      case 'milestone':
        await api.get(`milestones/${value}`);
        return place('milestone');
      case 'milestoneId':
        await api.get(`milestones/by-id/${value}`);
        return place('milestone');
      case 'output':
        await api.get(`outputs/${value}`);
        return place('output');
      case 'address': {
        const page = await api.get<OutputsPageDto>(`${INDEXER}outputs?address=${value}&limit=1`);
        return page.items.length > 0 || page.cursor !== undefined ? place('address') : undefined;
      }
      default: {
        const page = await api.get<TaggedDataPageDto>(`${INDEXER}tagged-data?tag=${value}&limit=1`);
        return page.items.length > 0 ? place('tag') : undefined;
      }
    }
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return undefined;
    throw error;
  }
}
