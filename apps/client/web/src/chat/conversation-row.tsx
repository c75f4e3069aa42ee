/** One conversation in the list: who, when, the last line, what is unread. */
import { Users } from 'lucide-react';
import type { ConversationDto } from '../../../src/api/chat-dto.ts';
import { useNow } from '../daemon/use-data.ts';
import { Avatar } from '../ui/avatar.tsx';
import { shortTime } from '../words/times.ts';
import { useCount, useSpeech } from '../words/use-words.ts';

export function ConversationRow({ conversation }: { readonly conversation: ConversationDto }) {
  const { language, words } = useSpeech();
  const countOf = useCount();
  const nowMs = useNow();
  const { id, kind, title, address = id, unread, lastAtMs, lastText } = conversation;
  return (
    <div className={unread > 0 ? 'mail-row mail-row-unread' : 'mail-row'}>
      {unread > 0 && <span className="sr-only">{countOf(words.chat.unread, unread)}.</span>}
      <Avatar name={title} address={address} />
      <div className="mail-row-text">
        <div className="mail-row-line">
          {kind === 'group' && <Users size={14} role="img" aria-label={words.chat.group} />}
          <span className="mail-row-person cut">{title}</span>
          <time className="mail-row-time figures">{shortTime(language, lastAtMs, nowMs)}</time>
        </div>
        <div className="mail-row-line">
          <span className="mail-row-subject cut">{lastText}</span>
          {unread > 0 && (
            <span aria-hidden className="unread-count figures">
              {unread}
            </span>
          )}
        </div>
      </div>
    </div>
  );
}
