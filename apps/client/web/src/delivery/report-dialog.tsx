/** What has become of a mail at each of its recipients: states, times, receipts, tries. */
import { X } from 'lucide-react';
import { Dialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import type { OutboxItemDto } from '../../../src/api/dto.ts';
import type { OutboxReportDto } from '../../../src/api/outbox-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { IconButton } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import type { Words } from '../words/en.ts';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { STATE_ICONS } from './state-chip.tsx';
import { reasonText, stateText } from './state-text.ts';
import { Steps } from './state-track.tsx';
import '../compose/compose.css';
import './delivery.css';

export interface ReportDialogProps {
  readonly outboxId: string;
  readonly onClose: () => void;
}

export function ReportDialog({ outboxId, onClose }: ReportDialogProps) {
  const { resources } = useData();
  const words = useSpeech().words.delivery;
  const path = `outbox/${outboxId}/report`;
  const { value, problem } = useResource<OutboxReportDto>(path);
  return (
    <ModalOverlay
      isOpen
      isDismissable
      className="overlay"
      onOpenChange={(isOpen) => !isOpen && onClose()}
    >
      <Modal className="modal">
        <Dialog className="report">
          <header className="report-head">
            <Heading slot="title">{words.report}</Heading>
            <IconButton icon={X} label={words.close} onPress={onClose} />
          </header>
          <p className="report-meaning">{words.meaning}</p>
          {problem !== undefined && value === undefined && (
            <Failed problem={problem} retry={() => resources.invalidate(path)} />
          )}
          {value === undefined && problem === undefined && <Skeleton lines={3} />}
          <ul className="report-items">
            {value?.items.map((item) => (
              <ReportItem key={item.id} item={item} />
            ))}
          </ul>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function ReportItem({ item }: { readonly item: OutboxItemDto }) {
  const { language, words } = useSpeech();
  const { to, state, receipts, history, error } = item;
  const tone = state === 'failed' || state === 'expired' ? 'err' : 'plain';
  return (
    <li className="report-item">
      <div className="report-who">
        <strong>{to.name === '' ? words.delivery.recipient : to.name}</strong>
        <Chip icon={STATE_ICONS[state]} tone={tone}>
          {stateText(words.delivery, state, item)}
        </Chip>
      </div>
      <span className="mono">{to.address}</span>
      {error !== undefined && (
        <p className="report-error">
          {reasonText(words.delivery, error.code)}
          {error.nextTryAtMs !== undefined &&
            ` ${fill(words.delivery.retryAt, { time: fullTime(language, error.nextTryAtMs) })}`}
        </p>
      )}
      <Steps item={item} />
      <h3>{words.delivery.receipts}</h3>
      {receipts.length === 0 && <p>{words.delivery.noReceipts}</p>}
      <ul>
        {receipts.map(({ bondId, endpoint, until }) => (
          <li key={bondId} className="mono">
            {fill(words.delivery.receiptUntil, {
              provider: endpoint,
              time: fullTime(language, until * 1_000),
            })}
          </li>
        ))}
      </ul>
      <details>
        <summary>{words.delivery.tries}</summary>
        <ol>
          {history.map((line) => (
            <li key={`${line.atMs} ${line.state}`} className="figures">
              {fullTime(language, line.atMs)} · {historyText(words.delivery, line.state)}
              {line.detail !== undefined && ` · ${line.detail}`}
            </li>
          ))}
        </ol>
      </details>
    </li>
  );
}

/** The bare state: how many receipts there were stands in the detail. */
function historyText({ steps, states }: Words['delivery'], state: string): string {
  const named = Object.entries({ ...states, ...steps }).find(([known]) => known === state);
  return named?.[1] ?? state;
}
