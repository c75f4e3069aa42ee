/** The way of an own mail, step by step with its times; behind it the report over everybody. */
import { FileCheck2 } from 'lucide-react';
import type { DeliveryDto } from '../../../src/api/delivery-dto.ts';
import type { OutboxItemDto } from '../../../src/api/dto.ts';
import { useNow, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { shortTime } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { StateChip } from './state-chip.tsx';
import { STEPS, stepTime } from './state-text.ts';
import './delivery.css';

export interface StateTrackProps {
  readonly delivery: DeliveryDto;
  readonly onReport: () => void;
}

/** With one recipient each step has one time; with several the report has them. */
export function StateTrack({ delivery, onReport }: StateTrackProps) {
  const words = useSpeech().words.delivery;
  const { value } = useResource<OutboxItemDto>(`outbox/${delivery.outboxId}`);
  return (
    <section className="track" aria-label={words.track}>
      <div className="track-head">
        <span role="status">
          <StateChip delivery={delivery} />
        </span>
        <Button icon={FileCheck2} onPress={onReport}>
          {words.open}
        </Button>
      </div>
      {value !== undefined && delivery.recipientCount === 1 && <Steps item={value} />}
    </section>
  );
}

export function Steps({ item }: { readonly item: OutboxItemDto }) {
  const { language, words } = useSpeech();
  const nowMs = useNow();
  return (
    <ol className="track-steps">
      {STEPS.map((step) => {
        const atMs = stepTime(item, step);
        return (
          <li key={step} className={atMs === undefined ? 'track-step' : 'track-step track-done'}>
            <strong>{words.delivery.steps[step]}</strong>
            {atMs === undefined ? (
              <span>{words.delivery.noTime}</span>
            ) : (
              <time className="figures">{shortTime(language, atMs, nowMs)}</time>
            )}
          </li>
        );
      })}
    </ol>
  );
}
