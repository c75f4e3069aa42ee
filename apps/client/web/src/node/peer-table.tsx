/** Connected peers with what the node knows of them. */
import { Ban, CircleCheck, CircleDashed, RefreshCw, Trash2 } from 'lucide-react';
import type { ConnectedPeerDto } from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { PeerDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { IconButton } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { fill } from '../words/plurals.ts';
import { sizeText } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { shortId, spanText } from './figures.ts';
import { Name } from './id.tsx';
import { ScrollRegion } from './scroll-region.tsx';
import { useBlindness, useSeconds } from './use-node.ts';

/** Milestones that a peer may be behind and count as in sync. */
const MAX_BEHIND = 2;

export interface PeerTableProps {
  readonly peers: readonly (PeerDto | ConnectedPeerDto)[];
  /** The newest milestone that this node knows of. */
  readonly latestIndex: number;
  readonly onRemove?: (id: string) => void;
  readonly onBan?: (id: string) => void;
}

export function PeerTable({ peers, latestIndex, onRemove, onBan }: PeerTableProps) {
  const { node } = useWords();
  const { isBlind } = useBlindness();
  const nameOf = (id: string): string => (isBlind ? '' : shortId(id));
  const hasActions = onRemove !== undefined && onBan !== undefined;
  return (
    <ScrollRegion label={node.peers}>
      <table>
        <thead>
          <tr>
            <th scope="col">{node.peer}</th>
            <th scope="col">{node.direction}</th>
            <th scope="col">{node.connected}</th>
            <th scope="col">{node.blocksIn}</th>
            <th scope="col">{node.served}</th>
            <th scope="col">{node.points}</th>
            <th scope="col">{node.state}</th>
            {hasActions && <th scope="col">{node.actions}</th>}
          </tr>
        </thead>
        <tbody>
          {peers.map((peer) => (
            <tr key={peer.id}>
              <PeerCells peer={peer} latestIndex={latestIndex} />
              {hasActions && (
                <td className="node-actions">
                  <IconButton
                    icon={Trash2}
                    label={fill(node.removeNamed, { name: nameOf(peer.id) })}
                    onPress={() => onRemove(peer.id)}
                  />
                  <IconButton
                    icon={Ban}
                    label={fill(node.banNamed, { name: nameOf(peer.id) })}
                    onPress={() => onBan(peer.id)}
                  />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  );
}

interface PeerCellsProps {
  readonly peer: PeerDto | ConnectedPeerDto;
  readonly latestIndex: number;
}

function PeerCells({ peer, latestIndex }: PeerCellsProps) {
  const { language, words } = useSpeech();
  const { node } = words;
  const nowMs = useSeconds();
  const { id, direction, connectedMs, counters, points } = peer;
  const number = new Intl.NumberFormat(language);
  return (
    <>
      <th scope="row" className="mono">
        <Name>{shortId(id)}</Name>
        {'address' in peer && (
          <small>
            <Name>{peer.address}</Name>
          </small>
        )}
      </th>
      <td>{direction === 'inbound' ? node.inbound : node.outbound}</td>
      <td className="figures">{spanText(language, nowMs - connectedMs)}</td>
      <td className="figures">{number.format(counters['blocksReceived'] ?? 0)}</td>
      <td className="figures">{sizeText(language, counters['bytesServed'] ?? 0)}</td>
      <td className="figures">{number.format(points)}</td>
      <td>
        <PeerState peer={peer} latestIndex={latestIndex} />
      </td>
    </>
  );
}

function PeerState({ peer, latestIndex }: PeerCellsProps) {
  const { node } = useWords();
  const { status } = peer;
  if (status === undefined) return <Chip icon={CircleDashed}>{node.unknown}</Chip>;
  const behind = latestIndex - status.solidIndex;
  if (behind <= MAX_BEHIND) {
    return (
      <Chip icon={CircleCheck} tone="ok">
        {node.synced}
      </Chip>
    );
  }
  return (
    <Chip icon={RefreshCw} tone="warn">
      {fill(node.behind, { n: behind })}
    </Chip>
  );
}
