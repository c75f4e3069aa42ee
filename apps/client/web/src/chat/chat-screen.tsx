/** Chat: the conversations, and the one that is open. Places: `chat/ID`, `chat/to/ADDRESS`. */
import { MessagesSquare } from 'lucide-react';
import type { ScreenProps } from '../frame/route.ts';
import { Empty } from '../ui/states.tsx';
import { useWords } from '../words/use-words.ts';
import { Conversation } from './conversation.tsx';
import { ConversationList, useConversations } from './conversation-list.tsx';
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
  const { value } = useConversations();
  const [first, address] = parts;
  if (first === 'to' && address !== undefined) {
    const known = value?.find((one) => one.address === address);
    if (known === undefined) return <NewConversation key={address} address={address} />;
    return <Conversation key={known.id} id={known.id} conversation={known} />;
  }
  if (first === undefined || first === 'to') {
    return (
      <div className="conversation conversation-none">
        <Empty icon={MessagesSquare}>{chat.choose}</Empty>
      </div>
    );
  }
  const known = value?.find(({ id }) => id === first);
  return <Conversation key={first} id={first} conversation={known} />;
}
