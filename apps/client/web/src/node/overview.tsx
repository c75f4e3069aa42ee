/** How the node is: figures, the machine, and the blocks that came last. */
import { CircleAlert, CircleCheck, RefreshCw } from 'lucide-react';
import type { ReactNode } from 'react';
import type { StatusDto } from '@tanglemail/tangle/io/node-client/control-dto.ts';
import type { HealthDto, InfoDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import { Chip } from '../ui/chip.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { sizeText } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { ageText, isStale, spanText } from './figures.ts';
import { IdLink } from './id.tsx';
import { LatestTable } from './latest-table.tsx';
import { CONTROL, HEALTH } from './node-api.ts';
import { useIsOperator, useNode, useNodeResource, useSeconds } from './use-node.ts';

const EVERY_MS = 2_000;

/** `drawings` stand between the figures and the tables. */
export function Overview({ drawings }: { readonly drawings?: ReactNode }) {
  const { resources } = useNode();
  const { value, problem, atMs } = useNodeResource<InfoDto>('info', EVERY_MS);
  const nowMs = useSeconds();
  if (value === undefined) {
    if (problem === undefined) return <Skeleton />;
    return <Failed problem={problem} retry={() => resources.invalidate('info')} />;
  }
  const isOld = isStale(atMs, nowMs, EVERY_MS);
  return (
    <>
      <NodeState info={value} />
      <div className={isOld ? 'node-stale' : undefined}>
        {isOld && <StaleNote atMs={atMs ?? nowMs} nowMs={nowMs} />}
        <Figures info={value} nowMs={nowMs} />
      </div>
      {drawings}
      <Machine info={value} />
      <LatestTable />
    </>
  );
}

function StaleNote({ atMs, nowMs }: { readonly atMs: number; readonly nowMs: number }) {
  const { language, words } = useSpeech();
  return (
    <p className="node-hint">{fill(words.node.stale, { age: ageText(language, atMs, nowMs) })}</p>
  );
}

/** Healthy or why not; how far the node has caught up. */
function NodeState({ info }: { readonly info: InfoDto }) {
  const { node } = useWords();
  const { status } = info;
  const { sync, confirmedMilestone } = status;
  const target = confirmedMilestone.index + sync.behind;
  const isBehind = sync.behind > 2;
  return (
    <div className="node-state">
      {status.healthy ? (
        <Chip icon={CircleCheck} tone="ok">
          {node.healthy}
        </Chip>
      ) : (
        <Chip icon={CircleAlert} tone="warn">
          {node.unhealthy}
        </Chip>
      )}
      {isBehind && (
        <>
          <Chip icon={RefreshCw} tone="info">
            {fill(node.behind, { n: sync.behind })}
          </Chip>
          <progress
            aria-label={node.sync}
            value={confirmedMilestone.index}
            max={Math.max(1, target)}
          />
        </>
      )}
      {!status.healthy && <Reasons />}
    </div>
  );
}

/** The words of the health route, which the node gives in English. */
function Reasons() {
  const { value } = useNodeResource<HealthDto>(HEALTH, EVERY_MS);
  return (
    <ul lang="en" className="node-hint">
      {value?.reasons.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: string | undefined;
}

function Figure({ label, value, note }: FigureProps) {
  return (
    <div className="node-figure">
      <dt>{label}</dt>
      <dd className="figures">
        <strong>{value}</strong>
        {note !== undefined && <small> {note}</small>}
      </dd>
    </div>
  );
}

function Figures({ info, nowMs }: { readonly info: InfoDto; readonly nowMs: number }) {
  const { language, words } = useSpeech();
  const { node } = words;
  const { status, metrics } = info;
  const { sync, confirmedMilestone: milestone } = status;
  const number = new Intl.NumberFormat(language);
  const time = metrics.confirmationMs;
  const age = ageText(language, milestone.timestampMs, nowMs);
  return (
    <dl className="node-figures">
      <Figure
        label={node.sync}
        value={sync.behind <= 2 ? node.synced : fill(node.behind, { n: sync.behind })}
      />
      <Figure
        label={node.milestone}
        value={<a href={`#/node/milestone/${milestone.index}`}>{number.format(milestone.index)}</a>}
        note={fill(node.ago, { age })}
      />
      <Figure
        label={node.blocksPerSecond}
        value={number.format(metrics.blocksPerSecond)}
        note={fill(node.confirmedPerSecond, {
          n: number.format(metrics.referencedBlocksPerSecond),
        })}
      />
      <Figure
        label={node.confirmation}
        value={time === undefined ? '–' : spanText(language, time.median)}
        note={time && fill(node.slowest, { time: spanText(language, time.p95) })}
      />
      <Figure label={node.tips} value={number.format(status.tips)} />
      <Figure label={node.peers} value={<a href="#/node/peers">{number.format(status.peers)}</a>} />
    </dl>
  );
}

function Machine({ info }: { readonly info: InfoDto }) {
  const { language, words } = useSpeech();
  const { node } = words;
  const isOperator = useIsOperator();
  const { version, uptimeMs, status, networkName, genesisId, committee } = info;
  return (
    <section className="node-panel" aria-labelledby="node-machine">
      <h2 id="node-machine">{node.machine}</h2>
      <dl className="node-facts">
        <Fact label={node.version}>{version}</Fact>
        <Fact label={node.network}>{networkName}</Fact>
        <Fact label={node.genesis}>
          <IdLink kind="milestone" value={genesisId} />
        </Fact>
        <Fact label={node.committee}>
          {fill(node.quorum, { quorum: committee.quorum, size: committee.size })}
        </Fact>
        <Fact label={node.pruned}>
          {status.prunedIndex === 0 ? node.nothing : status.prunedIndex}
        </Fact>
        {uptimeMs !== undefined && <Fact label={node.uptime}>{spanText(language, uptimeMs)}</Fact>}
        {isOperator && <OperatorFacts />}
      </dl>
      {!isOperator && <p className="node-hint">{node.moreForOperator}</p>}
    </section>
  );
}

/** What only control tells. */
function OperatorFacts() {
  const { language, words } = useSpeech();
  const { node } = words;
  const { value } = useNodeResource<StatusDto>(`${CONTROL}status`, EVERY_MS);
  if (value === undefined) return undefined;
  const { memoryBytes, store, blocks, bans, logLevel } = value;
  return (
    <>
      <Fact label={node.memory}>{sizeText(language, memoryBytes)}</Fact>
      <Fact label={node.store}>{sizeText(language, store.sizeBytes)}</Fact>
      <Fact label={node.free}>{sizeText(language, store.freeBytes)}</Fact>
      <Fact label={node.inMemory}>{new Intl.NumberFormat(language).format(blocks.inMemory)}</Fact>
      <Fact label={node.bans}>{bans}</Fact>
      {logLevel !== undefined && <Fact label={node.logLevel}>{logLevel}</Fact>}
    </>
  );
}

export function Fact({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ReactNode;
}) {
  return (
    <div>
      <dt>{label}</dt>
      <dd className="figures">{children}</dd>
    </div>
  );
}
