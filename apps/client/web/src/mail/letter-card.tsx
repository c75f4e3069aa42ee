/** One mail of a conversation: folded to a line, or open with all that belongs to it. */
import { ChevronUp, FileText, ShieldCheck, ShieldQuestion } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { MessageDto, MessageSummaryDto } from '../../../src/api/dto.ts';
import { StateChip } from '../delivery/state-chip.tsx';
import { StateTrack } from '../delivery/state-track.tsx';
import { useData, useNow, useResource } from '../daemon/use-data.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime, shortTime, sizeText } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { BodyFrame } from './body-frame.tsx';
import { LinkedText } from './linked-text.tsx';
import { addressOf, isUnread, personOf } from './mail-row.tsx';
import { saveAttachment } from './save-attachment.ts';

export interface LetterCardProps {
  readonly mail: MessageSummaryDto;
  readonly isOpen: boolean;
  /** Keys came to it: it takes the focus. */
  readonly isWalkedTo: boolean;
  /** Undefined for the only mail of its conversation. */
  readonly onToggle: (() => void) | undefined;
  readonly onReport: (outboxId: string) => void;
}

export function LetterCard({ mail, isOpen, isWalkedTo, onToggle, onReport }: LetterCardProps) {
  const card = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isWalkedTo) card.current?.focus();
  }, [isWalkedTo]);
  return (
    <li ref={card} tabIndex={-1} className={isOpen ? 'card' : 'card card-folded'}>
      {isOpen ? (
        <OpenCard mail={mail} onToggle={onToggle} onReport={onReport} />
      ) : (
        <FoldedCard mail={mail} onToggle={onToggle} />
      )}
    </li>
  );
}

function FoldedCard({ mail, onToggle }: Pick<LetterCardProps, 'mail' | 'onToggle'>) {
  const { language, words } = useSpeech();
  const nowMs = useNow();
  const person = personOf(mail);
  const facts = { name: person, time: fullTime(language, mail.dateMs) };
  return (
    <button
      type="button"
      className="card-line"
      aria-label={fill(words.reading.unfold, facts)}
      onClick={onToggle}
    >
      <Avatar name={person} address={addressOf(mail)} />
      <strong className="cut">{person}</strong>
      {mail.delivery !== undefined && <StateChip delivery={mail.delivery} />}
      <time className="figures">{shortTime(language, mail.dateMs, nowMs)}</time>
    </button>
  );
}

type OpenCardProps = Pick<LetterCardProps, 'mail' | 'onToggle' | 'onReport'>;

function OpenCard({ mail, onToggle, onReport }: OpenCardProps) {
  const { api, resources } = useData();
  const path = `messages/${encodeURIComponent(mail.id)}`;
  const { value, problem } = useResource<MessageDto>(path);
  const isNew = value !== undefined && isUnread(value);
  useEffect(() => {
    if (!isNew) return;
    const json = { flags: ['\\Seen'], change: 'add' };
    // Read or unread is no more than a mark: when it cannot be set, it stays as it was.
    api.send(path, { method: 'PATCH', json }).catch(() => {});
  }, [api, path, isNew]);
  const { delivery } = value ?? mail;
  return (
    <>
      <CardHead mail={mail} onToggle={onToggle} />
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate(path)} />
      )}
      {value === undefined ? <Skeleton lines={2} /> : <LetterBody mail={value} />}
      {value !== undefined && value.attachments.length > 0 && <Attachments mail={value} />}
      {delivery !== undefined && (
        <StateTrack delivery={delivery} onReport={() => onReport(delivery.outboxId)} />
      )}
    </>
  );
}

function CardHead({ mail, onToggle }: Pick<LetterCardProps, 'mail' | 'onToggle'>) {
  const { language, words } = useSpeech();
  const { from, dateMs, sentTo } = mail;
  const person = personOf(mail);
  const isOwn = sentTo !== undefined;
  const address = addressOf(mail);
  return (
    <header className="card-head">
      <Avatar name={person} address={address} />
      <div className="card-who">
        <div className="card-name">
          <strong>{fill(isOwn ? words.mail.to : words.mail.from, { name: person })}</strong>
          {!isOwn && (
            <Chip
              icon={from.verified ? ShieldCheck : ShieldQuestion}
              tone={from.verified ? 'ok' : 'warn'}
            >
              {from.verified ? words.mail.verified : words.mail.notVerified}
            </Chip>
          )}
        </div>
        <span className="mono">{address}</span>
      </div>
      <time className="figures">{fullTime(language, dateMs)}</time>
      {onToggle !== undefined && (
        <IconButton icon={ChevronUp} label={words.reading.fold} onPress={onToggle} />
      )}
    </header>
  );
}

/** The text first; the HTML by choice, or where there is nothing else. */
function LetterBody({ mail }: { readonly mail: MessageDto }) {
  const { reading } = useSpeech().words;
  const { id, text, html } = mail;
  const hasText = text.trim() !== '';
  const [wantsHtml, setWantsHtml] = useState(false);
  if (html === undefined) return <LinkedText text={text} />;
  const isHtml = wantsHtml || !hasText;
  return (
    <>
      {isHtml ? <BodyFrame id={id} /> : <LinkedText text={text} />}
      {hasText && (
        <div className="body-bar">
          <Button icon={FileText} onPress={() => setWantsHtml(!isHtml)}>
            {isHtml ? reading.asText : reading.asHtml}
          </Button>
        </div>
      )}
    </>
  );
}

function Attachments({ mail }: { readonly mail: MessageDto }) {
  const { api } = useData();
  const { language, words } = useSpeech();
  return (
    <ul className="attachments">
      {mail.attachments.map(({ index, filename, sizeBytes }) => (
        <li key={index}>
          <button
            type="button"
            className="attachment"
            aria-label={fill(words.mail.save, { name: filename })}
            onClick={() => void saveAttachment(api, mail.id, index, filename)}
          >
            <FileText aria-hidden size={20} />
            <span>
              <span className="cut">{filename}</span>
              <small>
                {sizeText(language, sizeBytes)}, {words.mail.attachmentHint}
              </small>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
