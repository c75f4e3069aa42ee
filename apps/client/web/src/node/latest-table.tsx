/** The blocks that came last: the text form of the drawing. */
import { CircleDashed, CircleDot, CircleX, Network } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { Chip, type Tone } from '../ui/chip.tsx';
import { Empty } from '../ui/states.tsx';
import { useSpeech } from '../words/use-words.ts';
import { IdLink } from './id.tsx';
import type { LatestBlock } from './latest-blocks.ts';
import { ScrollRegion } from './scroll-region.tsx';
import { useLive } from './use-node.ts';

const LOOKS: Readonly<Record<LatestBlock['state'], readonly [LucideIcon, Tone]>> = {
  pending: [CircleDashed, 'plain'],
  confirmed: [CircleDot, 'ok'],
  conflicting: [CircleX, 'err'],
};

export function LatestTable() {
  const { language, words } = useSpeech();
  const { node } = words;
  const { blocks } = useLive();
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  return (
    <section className="node-panel" aria-labelledby="node-latest">
      <h2 id="node-latest">{node.latest}</h2>
      {blocks.length === 0 ? (
        <Empty icon={Network}>{node.noBlocks}</Empty>
      ) : (
        <ScrollRegion label={node.latest}>
          <table>
            <thead>
              <tr>
                <th scope="col">{node.block}</th>
                <th scope="col">{node.kind}</th>
                <th scope="col">{node.seen}</th>
                <th scope="col">{node.state}</th>
                <th scope="col">{node.milestone}</th>
              </tr>
            </thead>
            <tbody>
              {blocks.map(({ id, kind, atMs, state, milestoneIndex }) => {
                const [icon, tone] = LOOKS[state];
                return (
                  <tr key={id}>
                    <td>
                      <IdLink kind="block" value={id} />
                    </td>
                    <td>{node.kinds[kind]}</td>
                    <td className="figures">{clock.format(atMs)}</td>
                    <td>
                      <Chip icon={icon} tone={tone}>
                        {node.states[state]}
                      </Chip>
                    </td>
                    <td className="figures">
                      {milestoneIndex !== undefined && (
                        <a href={`#/node/milestone/${milestoneIndex}`}>{milestoneIndex}</a>
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </ScrollRegion>
      )}
    </section>
  );
}
