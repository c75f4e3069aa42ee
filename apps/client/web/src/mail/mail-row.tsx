/** One mail in a list: sender, subject, time, and marks that are read aloud in this order. */
import { Paperclip, ShieldCheck, Star } from 'lucide-react';
import type { MessageSummaryDto } from '../../../src/api/dto.ts';
import { StateChip } from '../delivery/state-chip.tsx';
import { Avatar } from '../ui/avatar.tsx';
import { useNow } from '../daemon/use-data.ts';
import { shortTime } from '../words/times.ts';
import { useSpeech } from '../words/use-words.ts';
import { folderText } from './folder-names.ts';

export function isUnread({ flags }: Pick<MessageSummaryDto, 'flags'>): boolean {
  return !flags.includes('\\Seen');
}

/** Whom a row names: the sender, or whom an own mail went to. */
export function personOf({ from, sentTo }: MessageSummaryDto): string {
  return sentTo ?? (from.name === '' ? from.address : from.name);
}

/** Of the sender, or of those whom an own mail went to. */
export function addressOf({ from, to, sentTo }: MessageSummaryDto): string {
  return sentTo === undefined ? from.address : to.replaceAll('@tangle.alt', '');
}

export interface MailRowProps {
  readonly mail: MessageSummaryDto;
  /** Names the folder: the list has mails of several. */
  readonly isWhereShown?: boolean;
}

export function MailRow({ mail, isWhereShown = false }: MailRowProps) {
  const { language, words } = useSpeech();
  const nowMs = useNow();
  const { from, subject, dateMs, flags, hasAttachments, delivery } = mail;
  const isNew = isUnread(mail);
  const person = personOf(mail);
  return (
    <div className={isNew ? 'mail-row mail-row-unread' : 'mail-row'}>
      {isNew && <span className="sr-only">{words.mail.isUnread}.</span>}
      <Avatar name={person} address={addressOf(mail)} />
      <div className="mail-row-text">
        <div className="mail-row-line">
          <span className="mail-row-person cut">
            {mail.sentTo === undefined ? person : `→ ${person}`}
          </span>
          {from.verified && mail.sentTo === undefined && (
            <ShieldCheck className="mark-ok" size={14} aria-label={words.mail.verified} />
          )}
          <time className="mail-row-time figures">{shortTime(language, dateMs, nowMs)}</time>
        </div>
        <div className="mail-row-line">
          <span className="mail-row-subject cut">
            {subject === '' ? words.mail.noSubject : subject}
          </span>
          {isWhereShown && (
            <span className="mail-row-where cut">{folderText(words.mail, mail.folder)}</span>
          )}
          {flags.includes('\\Flagged') && (
            <Star className="mark-warn" size={14} aria-label={words.mail.isStarred} />
          )}
          {hasAttachments && <Paperclip size={14} aria-label={words.mail.attachments.other} />}
          {delivery !== undefined && <StateChip delivery={delivery} />}
        </div>
      </div>
    </div>
  );
}
