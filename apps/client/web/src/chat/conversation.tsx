/** A conversation as a person reads and goes on with it. */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';
import type { ConversationDto, SentChatDto } from '../../../src/api/chat-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { hrefOf } from '../frame/route.ts';
import { Failed, Skeleton } from '../ui/states.tsx';
import { useToast } from '../ui/toasts.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { ConversationHead } from './conversation-head.tsx';
import { GroupDialog } from './group-dialog.tsx';
import { LineComposer } from './line-composer.tsx';
import { LineLog } from './line-log.tsx';
import { useLines } from './use-lines.ts';

export interface ConversationProps {
  readonly id: string;
  /** Undefined until the list is there. */
  readonly conversation: ConversationDto | undefined;
}

function watchVisibility(watcher: () => void): () => void {
  document.addEventListener('visibilitychange', watcher);
  return () => document.removeEventListener('visibilitychange', watcher);
}

/** Whether somebody can see the page. */
function useIsVisible(): boolean {
  return useSyncExternalStore(watchVisibility, () => document.visibilityState === 'visible');
}

export function Conversation({ id, conversation }: ConversationProps) {
  const { api } = useData();
  const toast = useToast();
  const { chat } = useWords();
  const { lines, isWhole, isLoading, problem, loader } = useLines(id);
  const [isAtEnd, setAtEnd] = useState(true);
  const [isDetailed, setDetailed] = useState(false);
  const isVisible = useIsVisible();
  const { title = '', kind, address = id, unread = 0 } = conversation ?? {};
  const seen = isVisible && isAtEnd && lines.length > 0 ? unread : 0;
  useEffect(() => {
    if (seen === 0) return;
    // Read or unread is no more than a mark: when it cannot be set, it stays as it was.
    api.send(`chat/conversations/${id}/read`, { method: 'POST' }).catch(() => {});
  }, [api, id, seen]);

  const forget = useCallback(
    (number: number) => {
      api.send(`chat/conversations/${id}/messages/${number}`, { method: 'DELETE' }).then(
        () => loader.touched(number),
        (error: unknown) => toast({ text: error instanceof Error ? error.message : String(error) }),
      );
    },
    [api, id, loader, toast],
  );
  const isGroup = kind === 'group';
  return (
    <section className="chat-open" {...(title === '' ? {} : { 'aria-label': title })}>
      <ConversationHead
        address={address}
        title={title}
        note={isGroup ? <span>{chat.group}</span> : undefined}
        {...(isGroup ? { onDetails: () => setDetailed(true) } : {})}
      />
      {problem !== undefined && lines.length === 0 && (
        <Failed problem={problem} retry={loader.refresh} />
      )}
      {isLoading && lines.length === 0 && <Skeleton />}
      {lines.length > 0 || isWhole ? (
        <LineLog
          name={title}
          isGroup={isGroup}
          lines={lines}
          isWhole={isWhole}
          loader={loader}
          onDelete={forget}
          onAtEnd={setAtEnd}
        />
      ) : (
        <div className="log-place" />
      )}
      {conversation !== undefined && <Foot conversation={conversation} onSent={loader.refresh} />}
      {isDetailed && <GroupDialog id={id} onClose={() => setDetailed(false)} />}
    </section>
  );
}

interface FootProps {
  readonly conversation: ConversationDto;
  readonly onSent: () => void;
}

/** Where to write, or why nothing can be written. */
function Foot({ conversation, onSent }: FootProps) {
  const { chat } = useWords();
  const [isRequested, setRequested] = useState(false);
  const { id, title, closed } = conversation;
  if (closed === 'blocked' || closed === 'not-member') {
    const why = closed === 'blocked' ? chat.closed.blocked : chat.closed.notMember;
    return <p className="conversation-closed">{fill(why, { name: title })}</p>;
  }
  const hint = closed === 'not-accepted' ? chat.notAcceptedHint : chat.requestHint;
  return (
    <>
      {isRequested && <Requested />}
      {closed !== undefined && !isRequested && (
        <p className="conversation-hint">{fill(hint, { name: title })}</p>
      )}
      <LineComposer
        to={id}
        name={title}
        onSent={({ message }: SentChatDto) => {
          setRequested(message === undefined);
          onSent();
        }}
      />
    </>
  );
}

/** What was written is no line of a conversation, but a mail. */
export function Requested() {
  const { chat } = useWords();
  return (
    <p className="conversation-hint" role="status">
      {chat.requested} <a href={hrefOf('mail', 'Sent')}>{chat.toSent}</a>
    </p>
  );
}
