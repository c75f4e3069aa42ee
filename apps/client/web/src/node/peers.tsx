/** The peers of the node; the operator adds, removes and keeps out. */
import { Ban, Network, Plus, Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import type {
  BansDto,
  ConnectedPeerDto,
  KnownPeersDto,
} from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { InfoDto, PeerDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { shortId } from './figures.ts';
import { Name } from './id.tsx';
import { CONTROL, type ControlCall } from './node-api.ts';
import { PeerTable } from './peer-table.tsx';
import { useBlindness, useIsOperator, useNode, useNodeResource } from './use-node.ts';

const EVERY_MS = 3_000;
const BAN_MINUTES = 24 * 60;

export function Peers() {
  const isOperator = useIsOperator();
  return isOperator ? <OperatorPeers /> : <PublicPeers />;
}

function PublicPeers() {
  const { node } = useWords();
  const { resources } = useNode();
  const { value, problem } = useNodeResource<readonly PeerDto[]>('peers', EVERY_MS);
  return (
    <section className="node-panel" aria-labelledby="node-peers">
      <h2 id="node-peers">{node.peers}</h2>
      <p className="node-hint">{node.peersForOperator}</p>
      {value === undefined && problem === undefined && <Skeleton lines={3} />}
      {value === undefined && problem !== undefined && (
        <Failed problem={problem} retry={() => resources.invalidate('peers')} />
      )}
      {value !== undefined && <ShownPeers peers={value} />}
    </section>
  );
}

interface ShownPeersProps {
  readonly peers: readonly (PeerDto | ConnectedPeerDto)[];
  readonly onRemove?: (id: string) => void;
  readonly onBan?: (id: string) => void;
}

function ShownPeers(props: ShownPeersProps) {
  const { node } = useWords();
  const { value } = useNodeResource<InfoDto>('info', EVERY_MS);
  if (props.peers.length === 0) return <Empty icon={Network}>{node.noPeers}</Empty>;
  return <PeerTable {...props} latestIndex={value?.status.latestMilestone.index ?? 0} />;
}

/** What the operator is about to do to a peer. */
interface Plan {
  readonly what: 'remove' | 'ban';
  readonly id: string;
}

/** Does a change and says how it went; the lists are fetched again. */
function useChange(): (path: string, call: ControlCall, done: string) => Promise<boolean> {
  const { api, resources } = useNode();
  const show = useToast();
  return async (path, call, done) => {
    try {
      await api.change(path, call);
      show({ text: done });
      return true;
    } catch (error) {
      show({ text: (error as Error).message });
      return false;
    } finally {
      resources.invalidate(CONTROL);
    }
  };
}

function OperatorPeers() {
  const { node } = useWords();
  const { resources } = useNode();
  const { isBlind } = useBlindness();
  const change = useChange();
  const path = `${CONTROL}peers`;
  const { value, problem } = useNodeResource<KnownPeersDto>(path, EVERY_MS);
  const [plan, setPlan] = useState<Plan | undefined>(undefined);
  const run = async ({ what, id }: Plan): Promise<void> => {
    const name = encodeURIComponent(id);
    if (what === 'remove') await change(`peers/${name}`, { method: 'DELETE' }, node.removed);
    else await change('bans', { method: 'POST', json: { id, minutes: BAN_MINUTES } }, node.banned);
  };
  const words = plan?.what === 'ban' ? [node.ban, node.banText] : [node.remove, node.removeText];
  return (
    <>
      <section className="node-panel" aria-labelledby="node-peers">
        <h2 id="node-peers">{node.peers}</h2>
        <AddPeer change={change} />
        {value === undefined && problem === undefined && <Skeleton lines={3} />}
        {value === undefined && problem !== undefined && (
          <Failed problem={problem} retry={() => resources.invalidate(path)} />
        )}
        {value !== undefined && (
          <ShownPeers
            peers={value.connected}
            onRemove={(id) => setPlan({ what: 'remove', id })}
            onBan={(id) => setPlan({ what: 'ban', id })}
          />
        )}
      </section>
      <KnownPeers
        peers={value?.known ?? []}
        connected={value?.connected ?? []}
        onRemove={(id) => setPlan({ what: 'remove', id })}
      />
      <Bans change={change} />
      {plan !== undefined && (
        <ConfirmDialog
          title={words[0] ?? ''}
          text={fill(words[1] ?? '', { name: isBlind ? '' : shortId(plan.id) })}
          action={words[0] ?? ''}
          onConfirm={() => void run(plan)}
          onClose={() => setPlan(undefined)}
        />
      )}
    </>
  );
}

interface ChangeProps {
  readonly change: ReturnType<typeof useChange>;
}

function AddPeer({ change }: ChangeProps) {
  const { node } = useWords();
  const [address, setAddress] = useState('');
  const add = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const json = { address: address.trim() };
    if (await change('peers', { method: 'POST', json }, node.added)) setAddress('');
  };
  return (
    <form className="node-add" onSubmit={(event) => void add(event)}>
      <label>
        {node.peerAddress}
        <input
          className="mono"
          value={address}
          maxLength={256}
          spellCheck={false}
          autoComplete="off"
          placeholder="/dns4/…/tcp/15600/p2p/12D3KooW…"
          onChange={({ target }) => setAddress(target.value)}
        />
      </label>
      <Button icon={Plus} type="submit" isDisabled={address.trim() === ''}>
        {node.add}
      </Button>
    </form>
  );
}

interface KnownPeersProps {
  readonly peers: KnownPeersDto['known'];
  readonly connected: readonly ConnectedPeerDto[];
  readonly onRemove: (id: string) => void;
}

/** Those that the node would dial and has no connection with. */
function KnownPeers({ peers, connected, onRemove }: KnownPeersProps) {
  const { language, words } = useSpeech();
  const { node } = words;
  const away = peers.filter(({ id }) => connected.every((one) => one.id !== id)).slice(0, 100);
  if (away.length === 0) return undefined;
  return (
    <section className="node-panel" aria-labelledby="node-known">
      <h2 id="node-known">{node.known}</h2>
      <ul className="node-list">
        {away.map(({ id, addresses, lastSeenMs }) => (
          <li key={id}>
            <span className="mono">
              <Name>{addresses[0] ?? id}</Name>
            </span>
            <span>{lastSeenMs === 0 ? node.neverSeen : fullTime(language, lastSeenMs)}</span>
            <IconButton icon={Trash2} label={node.remove} onPress={() => onRemove(id)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Bans({ change }: ChangeProps) {
  const { language, words } = useSpeech();
  const { node } = words;
  const { value } = useNodeResource<BansDto>(`${CONTROL}bans`, EVERY_MS);
  if (value === undefined || value.bans.length === 0) return undefined;
  return (
    <section className="node-panel" aria-labelledby="node-bans">
      <h2 id="node-bans">{node.bans}</h2>
      <ul className="node-list">
        {value.bans.slice(0, 100).map(({ id, untilMs, finding }) => (
          <li key={id}>
            <span className="mono">
              <Name>{id}</Name>
            </span>
            <span>
              {fill(node.bannedUntil, { time: fullTime(language, untilMs), why: finding })}
            </span>
            <Button
              icon={Ban}
              onPress={() =>
                void change(`bans/${encodeURIComponent(id)}`, { method: 'DELETE' }, node.unbanned)
              }
            >
              {node.unban}
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}
