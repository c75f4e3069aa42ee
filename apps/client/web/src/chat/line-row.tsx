/** One line of a conversation: a bubble, or a notice in the middle. */
import { useId } from 'react';
import { useSpeech } from '../words/use-words.ts';
import { LineMenu } from './line-menu.tsx';
import type { LineRow as Row } from './line-rows.ts';
import { LineState } from './line-state.tsx';
import { LineText } from './line-text.tsx';
import { lineTime, nameOf, noticeText } from './line-texts.ts';

export interface LineRowProps {
  readonly row: Extract<Row, { readonly kind: 'line' }>;
  readonly isGroup: boolean;
  /** The one stop of the tab key among the lines. */
  readonly isPresent: boolean;
  readonly onPresent: (number: number) => void;
  readonly onDelete: (number: number) => void;
}

export function LineRow({ row, isGroup, isPresent, onPresent, onDelete }: LineRowProps) {
  const { language, words } = useSpeech();
  const id = useId();
  const { line, isFirst, isLast } = row;
  const { number, kind, isOwn, sender } = line;
  const isNotice = kind === 'notice';
  const who = isOwn ? words.chat.you : nameOf(sender);
  const side = isNotice ? 'line-notice' : isOwn ? 'line-own' : 'line-other';
  const text = isNotice ? noticeText(language, words.chat, line) : line.text;
  return (
    <article
      className={`line ${side}${isFirst ? ' line-first' : ''}`}
      data-key={row.key}
      data-line={number}
      tabIndex={isPresent ? 0 : -1}
      aria-labelledby={isNotice ? `${id}-body` : `${id}-who ${id}-body ${id}-foot`}
      onFocus={() => onPresent(number)}
      onMouseEnter={() => onPresent(number)}
    >
      {!isNotice && (
        <span id={`${id}-who`} className={isFirst && isGroup && !isOwn ? 'line-who' : 'sr-only'}>
          {line.isLeft ? `${who}, ${words.chat.hasLeft}` : who}
        </span>
      )}
      <div className="line-main">
        <div className="line-bubble" id={`${id}-body`}>
          <LineText text={text} isPresent={isPresent} />
        </div>
        {isPresent && <LineMenu line={line} text={text} onDelete={() => onDelete(number)} />}
      </div>
      {!isNotice && (
        <div className="line-foot" id={`${id}-foot`}>
          <time className={isLast ? 'figures' : 'sr-only'}>{lineTime(language, line)}</time>
          {isOwn && <LineState line={line} isShort={!isLast} />}
        </div>
      )}
    </article>
  );
}
