/** Mails on their way out of this device, with the way back for those that have not left. */
import { Clock, Network, Send, TriangleAlert, Undo2 } from 'lucide-react';
import type { OutboxItemDto } from '../../../src/api/dto.ts';
import type { RecallDto } from '../../../src/api/outbox-dto.ts';
import { useComposer } from '../compose/composer.tsx';
import { useData, useNow, useResource } from '../daemon/use-data.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime, shortTime } from '../words/times.ts';
import { useSpeech, useWords } from '../words/use-words.ts';
import { useAttempt } from './use-mail-work.ts';

/** The newest ones are looked through; what still waits behind them is very old. */
export const OUTBOX_PATH = 'outbox?limit=500';

/** What has not reached a milestone, and is not taken back. */
export function isOnItsWay({ state }: Pick<OutboxItemDto, 'state'>): boolean {
  return ['scheduled', 'queued', 'attached', 'failed'].includes(state);
}

export function OutboxView() {
  const { resources } = useData();
  const { filing } = useWords();
  const { value, problem } = useResource<readonly OutboxItemDto[]>(OUTBOX_PATH);
  if (value === undefined && problem !== undefined) {
    return <Failed problem={problem} retry={() => resources.invalidate(OUTBOX_PATH)} />;
  }
  if (value === undefined) return <Skeleton />;
  const items = value.filter(isOnItsWay);
  if (items.length === 0) return <Empty icon={Send}>{filing.outboxEmpty}</Empty>;
  return (
    <ul className="outbox">
      {items.map((item) => (
        <OutboxRow key={item.id} item={item} />
      ))}
    </ul>
  );
}

function OutboxRow({ item }: { readonly item: OutboxItemDto }) {
  const { language, words } = useSpeech();
  const nowMs = useNow();
  const { to, subject, createdAtMs, canRecall } = item;
  const name = to.name === '' ? to.address : to.name;
  return (
    <li className="mail-row outbox-row">
      <Avatar name={name} address={to.address} />
      <div className="mail-row-text">
        <div className="mail-row-line">
          <span className="mail-row-person cut">→ {name}</span>
          <time className="mail-row-time figures">{shortTime(language, createdAtMs, nowMs)}</time>
        </div>
        <span className="mail-row-subject cut">
          {subject === '' ? words.mail.noSubject : subject}
        </span>
        <div className="mail-row-line">
          <StateChip item={item} />
          {canRecall && <RecallButton item={item} />}
        </div>
      </div>
    </li>
  );
}

function StateChip({ item }: { readonly item: OutboxItemDto }) {
  const { language, words } = useSpeech();
  const { filing } = words;
  const { state, notBeforeMs, error } = item;
  if (state === 'failed') {
    return (
      <Chip icon={TriangleAlert} tone="err">
        {fill(filing.notSent, { reason: error?.detail ?? error?.code ?? '' })}
      </Chip>
    );
  }
  if (state === 'attached') return <Chip icon={Network}>{filing.inTangle}</Chip>;
  if (state === 'scheduled' && notBeforeMs !== undefined) {
    return (
      <Chip icon={Clock}>{fill(filing.leaves, { time: fullTime(language, notBeforeMs) })}</Chip>
    );
  }
  return <Chip icon={Clock}>{filing.waits}</Chip>;
}

function RecallButton({ item }: { readonly item: OutboxItemDto }) {
  const { api } = useData();
  const { compose, filing } = useWords();
  const { openDraft } = useComposer();
  const toast = useToast();
  const attempt = useAttempt();
  function recall(): void {
    attempt(async () => {
      const path = `outbox/${item.id}`;
      const { draftId } = await api.send<RecallDto>(path, { method: 'DELETE' });
      if (draftId === undefined) toast({ text: compose.partlyUndone });
      else {
        const action = { label: filing.edit, run: () => openDraft(draftId) };
        toast({ text: filing.recalled, action });
      }
    });
  }
  return (
    <Button
      icon={Undo2}
      aria-label={fill(filing.recallOf, { subject: item.subject })}
      onPress={recall}
    >
      {filing.recall}
    </Button>
  );
}
