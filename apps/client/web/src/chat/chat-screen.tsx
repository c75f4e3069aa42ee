/** Chat: the conversations, and the one that is open. Places: `chat/ID`, `chat/to/ADDRESS`. */
import { MessagesSquare } from 'lucide-react';
import { useEffect } from 'react';
import type { ConversationDto } from '../../../src/api/chat-dto.ts';
import { hrefOf, type ScreenProps } from '../frame/route.ts';
import { Empty } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { Conversation } from './conversation.tsx';
import { ConversationList, useConversations } from './conversation-list.tsx';
import { useLineDrafts } from './line-drafts.tsx';
import { NewConversation } from './new-conversation.tsx';
import '../compose/compose.css';
import '../mail/mail.css';
import './chat.css';
import './line.css';

export function ChatScreen({ parts }: ScreenProps) {
  const { faces } = useWords();
  const [first] = parts;
  return (
    <div className={first === undefined ? 'chat' : 'chat chat-reading'}>
      <h1 className="sr-only">{faces.chat}</h1>
      <ConversationList open={first} />
      <Open parts={parts} />
    </div>
  );
}

/** What stands beside the list. */
function Open({ parts }: ScreenProps) {
  const { chat } = useWords();
  const { value, problem } = useConversations();
  const [first, address] = parts;
  const known = value?.find((one) => (first === 'to' ? one.address === address : one.id === first));
  useOwnPlace(address, known);
  if (first === undefined || (first === 'to' && address === undefined)) {
    return (
      <div className="chat-open conversation-none">
        <Empty icon={MessagesSquare}>{chat.choose}</Empty>
      </div>
    );
  }
  if (known !== undefined || first !== 'to') {
    const id = known?.id ?? first;
    return <Conversation key={id} id={id} conversation={known} />;
  }
  if (address === undefined || (value === undefined && problem === undefined)) {
    return <div className="chat-open" />;
  }
  return <NewConversation key={address} address={address} />;
}

/** Once there is a conversation with somebody, it has its place, and what was begun moves there. */
function useOwnPlace(address: string | undefined, known: ConversationDto | undefined): void {
  const drafts = useLineDrafts();
  const id = known?.id;
  useEffect(() => {
    if (address === undefined || id === undefined) return;
    const begun = drafts.get(address);
    if (begun !== '') {
      drafts.set(address, '');
      drafts.putBack(id, begun);
    }
    // Going back shall not lead here again.
    location.replace(hrefOf('chat', id));
  }, [address, id, drafts]);
}
