/** The first line to somebody: a conversation, or a contact request to who has not written yet. */
import { useState } from 'react';
import type { ContactDto } from '../../../src/api/dto.ts';
import { useResource } from '../daemon/use-data.ts';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { Requested } from './conversation.tsx';
import { ConversationHead } from './conversation-head.tsx';
import { LineComposer } from './line-composer.tsx';

export function NewConversation({ address }: { readonly address: string }) {
  const { chat } = useWords();
  const { value: contacts } = useResource<readonly ContactDto[]>('contacts');
  const [isRequested, setRequested] = useState(false);
  const contact = contacts?.find((one) => one.address === address);
  const title = contact?.name || address;
  const isAccepted = contact?.state === 'accepted';
  const hint = isAccepted ? chat.requestHint : chat.notAcceptedHint;
  const isRequest = contacts !== undefined && !(isAccepted && contact.knowsUs);
  return (
    <section className="chat-open" aria-label={title}>
      <ConversationHead address={address} title={title} />
      <div className="log-place log-start">{chat.noLines}</div>
      {isRequested && <Requested />}
      {isRequest && !isRequested && (
        <p className="conversation-hint">{fill(hint, { name: title })}</p>
      )}
      <LineComposer
        to={address}
        name={title}
        onSent={({ message }) => setRequested(message === undefined)}
      />
    </section>
  );
}
