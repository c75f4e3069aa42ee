/** Whose conversation it is, the way back, and for a group the way to its members. */
import { ArrowLeft, Info } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { hrefOf } from '../frame/route.ts';
import { Avatar } from '../ui/avatar.tsx';
import { IconButton } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';

export interface ConversationHeadProps {
  /** Of the person, or the id of the group: it colours the picture. */
  readonly address: string;
  readonly title: string;
  /** Shown below the title. */
  readonly note?: ReactNode;
  /** Opens what there is to know about a group. */
  readonly onDetails?: () => void;
}

export function ConversationHead({ address, title, note, onDetails }: ConversationHeadProps) {
  const { chat } = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  // Of a link to a conversation the name is not known at once.
  const isNamed = title !== '';
  useEffect(() => {
    if (isNamed) heading.current?.focus({ preventScroll: true });
  }, [isNamed]);
  return (
    <header className="conversation-head">
      <a className="reader-back" href={hrefOf('chat')} aria-label={chat.back}>
        <ArrowLeft aria-hidden size={18} />
      </a>
      <Avatar name={title} address={address} />
      <div className="conversation-who">
        {isNamed && (
          <h2 ref={heading} tabIndex={-1} className="cut">
            {title}
          </h2>
        )}
        {note}
      </div>
      {onDetails !== undefined && (
        <IconButton icon={Info} label={chat.groups.details} onPress={onDetails} />
      )}
    </header>
  );
}
