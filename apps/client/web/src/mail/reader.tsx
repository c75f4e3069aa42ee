/** One mail as a person reads it. */
import {
  ArrowLeft,
  FileText,
  Forward,
  Reply,
  ReplyAll,
  ShieldCheck,
  ShieldQuestion,
} from 'lucide-react';
import { useEffect, useRef } from 'react';
import type { MessageDto, StatusDto } from '../../../src/api/dto.ts';
import { useComposer } from '../compose/composer.tsx';
import { answerTo, passedOn } from '../compose/start.ts';
import { hrefOf } from '../frame/route.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Avatar } from '../ui/avatar.tsx';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { fullTime, sizeText } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { MailActions } from './mail-actions.tsx';
import { isUnread, personOf } from './mail-row.tsx';
import { saveAttachment } from './save-attachment.ts';

export function Reader({ id, folder }: { readonly id: string; readonly folder: string }) {
  const { api, resources } = useData();
  const { words } = useSpeech();
  const path = `messages/${encodeURIComponent(id)}`;
  const { value, problem } = useResource<MessageDto>(path);
  const isNew = value !== undefined && isUnread(value);
  useEffect(() => {
    if (!isNew) return;
    const json = { flags: ['\\Seen'], change: 'add' };
    // Read or unread is no more than a mark: when it cannot be set, it stays as it was.
    api.send(path, { method: 'PATCH', json }).catch(() => {});
  }, [api, path, isNew]);
  return (
    <article className="reader" aria-label={words.mail.reader}>
      <div className="reader-bar">
        <a className="reader-back" href={hrefOf('mail', folder)} aria-label={words.mail.back}>
          <ArrowLeft aria-hidden size={18} />
        </a>
        <MailActions id={id} />
      </div>
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate(path)} />
      )}
      {value === undefined ? <Skeleton lines={4} /> : <Letter key={value.id} mail={value} />}
    </article>
  );
}

function Letter({ mail }: { readonly mail: MessageDto }) {
  const { language, words } = useSpeech();
  const { subject, from, dateMs, text, verified, attachments } = mail;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  const person = personOf(mail);
  const isOwn = mail.sentTo !== undefined;
  return (
    <>
      <h2 ref={heading} tabIndex={-1} className="reader-subject">
        {subject === '' ? words.mail.noSubject : subject}
      </h2>
      <div className="card">
        <header className="card-head">
          <Avatar name={person} address={from.address} />
          <div className="card-who">
            <div className="card-name">
              <strong>{fill(isOwn ? words.mail.to : words.mail.from, { name: person })}</strong>
              {!isOwn &&
                (verified === null ? (
                  <Chip icon={ShieldQuestion} tone="warn">
                    {words.mail.notVerified}
                  </Chip>
                ) : (
                  <Chip icon={ShieldCheck} tone="ok">
                    {words.mail.verified}
                  </Chip>
                ))}
            </div>
            <span className="mono">{from.address}</span>
          </div>
          <time className="figures">{fullTime(language, dateMs)}</time>
        </header>
        <div className="card-text">{text}</div>
        {attachments.length > 0 && <Attachments mail={mail} />}
      </div>
      <ReplyBar mail={mail} />
    </>
  );
}

function ReplyBar({ mail }: { readonly mail: MessageDto }) {
  const { language, words } = useSpeech();
  const { write } = useComposer();
  const { value: status } = useResource<StatusDto>('status');
  const own = status?.address ?? '';
  const facts = { name: personOf(mail), date: fullTime(language, mail.dateMs) };
  const wrote = fill(words.compose.wrote, facts);
  return (
    <div className="reply-bar">
      <Button icon={Reply} onPress={() => write(answerTo(mail, own, false, wrote))}>
        {words.mail.reply}
      </Button>
      <Button icon={ReplyAll} onPress={() => write(answerTo(mail, own, true, wrote))}>
        {words.mail.replyAll}
      </Button>
      <Button
        icon={Forward}
        onPress={() => write(passedOn(mail, fill(words.compose.forwarded, facts)))}
      >
        {words.mail.forward}
      </Button>
    </div>
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
