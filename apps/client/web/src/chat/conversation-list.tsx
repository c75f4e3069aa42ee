/** All conversations, the newest first, and how to begin another one. */
import { MessageSquarePlus, MessagesSquare, SearchX, UsersRound } from 'lucide-react';
import { useState } from 'react';
import { Input, Label, SearchField } from 'react-aria-components';
import type { ConversationDto } from '../../../src/api/chat-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { go } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Skeleton } from '../ui/states.tsx';
import { VirtualList } from '../ui/virtual-list.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { ConversationRow } from './conversation-row.tsx';
import { NewChatDialog } from './new-chat-dialog.tsx';
import { NewGroupDialog } from './new-group-dialog.tsx';

const PATH = 'chat/conversations';
const ROW_HEIGHT = 72;

export function useConversations() {
  return useResource<readonly ConversationDto[]>(PATH);
}

export function ConversationList({ open }: { readonly open: string | undefined }) {
  const { chat } = useWords();
  const [beginning, setBeginning] = useState<'chat' | 'group' | undefined>(undefined);
  const close = (): void => setBeginning(undefined);
  return (
    <section className="chat-list" aria-label={chat.list}>
      <header className="chat-list-head">
        <h2>{chat.list}</h2>
        <div className="chat-list-new">
          <Button kind="main" icon={MessageSquarePlus} onPress={() => setBeginning('chat')}>
            {chat.newChat}
          </Button>
          <Button icon={UsersRound} onPress={() => setBeginning('group')}>
            {chat.newGroup}
          </Button>
        </div>
      </header>
      <Conversations open={open} />
      {beginning === 'chat' && <NewChatDialog onClose={close} />}
      {beginning === 'group' && <NewGroupDialog onClose={close} />}
    </section>
  );
}

function Conversations({ open }: { readonly open: string | undefined }) {
  const { resources } = useData();
  const { chat } = useWords();
  const { value, problem } = useConversations();
  const [wanted, setWanted] = useState('');
  // Arrows walk through the list; only Enter or a click opens, which takes the focus along.
  const [walked, setWalked] = useState<string | undefined>(undefined);
  if (value === undefined) {
    if (problem === undefined) return <Skeleton />;
    return <Failed problem={problem} retry={() => resources.invalidate(PATH)} />;
  }
  if (value.length === 0) return <Empty icon={MessagesSquare}>{chat.empty}</Empty>;
  const part = wanted.trim().toLowerCase();
  const found = value.filter(({ title }) => title.toLowerCase().includes(part));
  const chosen = found.findIndex(({ id }) => id === (walked ?? open));
  const show = (index: number): void => {
    const one = found[index];
    if (one !== undefined) go('chat', one.id);
  };
  return (
    <>
      <SearchField className="field chat-search" value={wanted} onChange={setWanted}>
        <Label className="sr-only">{chat.search}</Label>
        <Input placeholder={chat.search} />
      </SearchField>
      {found.length === 0 ? (
        <Empty icon={SearchX} action={<Button onPress={() => setWanted('')}>{chat.clear}</Button>}>
          {fill(chat.noMatch, { text: wanted.trim() })}
        </Empty>
      ) : (
        <VirtualList
          label={chat.list}
          count={found.length}
          rowHeight={ROW_HEIGHT}
          chosen={chosen}
          onChoose={(index) => setWalked(found[index]?.id)}
          onOpen={show}
          renderRow={(index) => {
            const one = found[index];
            return one === undefined ? undefined : <ConversationRow conversation={one} />;
          }}
        />
      )}
    </>
  );
}
