/** Whom to write to: a contact, or an address. */
import { useState } from 'react';
import { addressesIn } from '../compose/start.ts';
import { go } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { useWords } from '../words/use-words.ts';
import { ContactPick } from './contact-pick.tsx';
import { ChatDialog } from './dialogs.tsx';

export function NewChatDialog({ onClose }: { readonly onClose: () => void }) {
  const { chat } = useWords();
  const [stranger, setStranger] = useState<string | undefined>(undefined);
  function begin(address: string): void {
    onClose();
    go('chat', 'to', address);
  }
  return (
    <ChatDialog title={chat.newChat} onClose={onClose}>
      <ContactPick
        onPick={begin}
        onTyped={(text, found) => setStranger(found === 0 ? addressesIn(text)[0] : undefined)}
      />
      {stranger !== undefined && (
        <Button kind="main" onPress={() => begin(stranger)}>
          {chat.pick.writeTo}
        </Button>
      )}
    </ChatDialog>
  );
}
