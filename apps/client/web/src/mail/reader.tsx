/** A conversation as a person reads it, beginning with the mail that was chosen. */
import { ArrowLeft, Forward, Reply, ReplyAll } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { MessageDto, MessageSummaryDto, StatusDto } from '../../../src/api/dto.ts';
import type { ThreadMessageDto } from '../../../src/api/mailbox-dto.ts';
import { useComposer } from '../compose/composer.tsx';
import { answerTo, passedOn } from '../compose/start.ts';
import { ReportDialog } from '../delivery/report-dialog.tsx';
import { useCommand } from '../frame/command-book.ts';
import { hrefOf } from '../frame/route.ts';
import { areSingleKeysOn } from '../frame/single-keys.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useKeys } from '../ui/use-keys.ts';
import { fill } from '../words/plurals.ts';
import { fullTime } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';
import { startWalk, step, toggle } from './conversation.ts';
import { LetterCard } from './letter-card.tsx';
import { MailActions } from './mail-actions.tsx';
import { personOf } from './mail-row.tsx';
import { partsOfPlace } from './places.ts';
import { useMailWork } from './use-mail-work.ts';

export function Reader({ id }: { readonly id: string }) {
  const { resources } = useData();
  const { words } = useSpeech();
  const { place } = useMailWork();
  const path = `messages/${encodeURIComponent(id)}`;
  const { value, problem } = useResource<MessageDto>(path);
  const thread = useResource<readonly ThreadMessageDto[]>(
    `mailbox/threads/${encodeURIComponent(id)}`,
  );
  const isKnown = thread.value !== undefined || thread.problem !== undefined;
  return (
    <article className="reader" aria-label={words.mail.reader}>
      <div className="reader-bar">
        <a
          className="reader-back"
          href={hrefOf(...partsOfPlace(place))}
          aria-label={words.mail.back}
        >
          <ArrowLeft aria-hidden size={18} />
        </a>
        <MailActions id={id} />
      </div>
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate(path)} />
      )}
      {problem === undefined && (value === undefined || !isKnown) && <Skeleton lines={4} />}
      {value !== undefined && isKnown && (
        <Conversation chosen={value} mails={withChosen(thread.value ?? [], value)} />
      )}
    </article>
  );
}

/** A mail in Trash or Junk is part of no conversation: it stands alone. */
function withChosen(
  mails: readonly MessageSummaryDto[],
  chosen: MessageSummaryDto,
): readonly MessageSummaryDto[] {
  return mails.some(({ id }) => id === chosen.id) ? mails : [chosen];
}

interface ConversationProps {
  readonly chosen: MessageDto;
  /** Oldest first, the chosen one among them. */
  readonly mails: readonly MessageSummaryDto[];
}

function Conversation({ chosen, mails }: ConversationProps) {
  const { words } = useSpeech();
  const countOf = useCount();
  const ids = mails.map((one) => one.id);
  const [walk, setWalk] = useState(() => startWalk(chosen.id, ids));
  const [isWalked, setWalked] = useState(false);
  const [report, setReport] = useState<string | undefined>(undefined);
  const heading = useRef<HTMLHeadingElement>(null);
  const isOpened = useMailWork().opened === chosen.id;
  useEffect(() => {
    const isInList = document.activeElement?.closest('.mail-list') != null;
    if (isOpened || !isInList) heading.current?.focus({ preventScroll: true });
  }, [isOpened]);
  const present = mails.find((one) => one.id === walk.present) ?? chosen;
  const outboxId = present.delivery?.outboxId;
  const line = ids.join(' ');
  const keys = useMemo(() => {
    const order = line.split(' ');
    const go = (by: 1 | -1) => (): void => {
      if (!areSingleKeysOn()) return;
      setWalked(true);
      setWalk((before) => step(before, order, by));
    };
    return { n: go(1), p: go(-1) };
  }, [line]);
  useKeys(keys);
  useCommand('report', outboxId === undefined ? undefined : () => setReport(outboxId));
  return (
    <>
      <h2 ref={heading} tabIndex={-1} className="reader-subject">
        {chosen.subject === '' ? words.mail.noSubject : chosen.subject}
        {mails.length > 1 && (
          <small className="figures">{countOf(words.reading.conversation, mails.length)}</small>
        )}
      </h2>
      <ol className="conversation">
        {mails.map((mail) => (
          <LetterCard
            key={mail.id}
            mail={mail}
            isOpen={walk.open.has(mail.id)}
            isWalkedTo={isWalked && mail.id === walk.present}
            onToggle={
              mails.length === 1
                ? undefined
                : () => setWalk((before) => toggle(before, ids, mail.id))
            }
            onReport={setReport}
          />
        ))}
      </ol>
      <ReplyBar id={present.id} />
      {report !== undefined && (
        <ReportDialog outboxId={report} onClose={() => setReport(undefined)} />
      )}
    </>
  );
}

function ReplyBar({ id }: { readonly id: string }) {
  const { language, words } = useSpeech();
  const { write } = useComposer();
  const { value: mail } = useResource<MessageDto>(`messages/${encodeURIComponent(id)}`);
  const { value: status } = useResource<StatusDto>('status');
  if (mail === undefined) return undefined;
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
