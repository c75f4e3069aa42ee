/** A new group: its name, and who is in it. */
import { useState } from 'react';
import { FieldError, Input, Label, Text, TextField } from 'react-aria-components';
import type { GroupDto } from '../../../src/api/chat-dto.ts';
import { useData } from '../daemon/use-data.ts';
import { go } from '../frame/route.ts';
import { Button } from '../ui/button.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { ContactPick } from './contact-pick.tsx';
import { ChatDialog } from './dialogs.tsx';
import { groupProblem } from './group-problem.ts';
import { isGroupName, MAX_MEMBERS } from './group-rules.ts';

export function NewGroupDialog({ onClose }: { readonly onClose: () => void }) {
  const { api } = useData();
  const { chat } = useWords();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const [isMaking, setMaking] = useState(false);
  const isNamed = isGroupName(name);

  async function make(): Promise<void> {
    setMaking(true);
    try {
      const json = { name: name.trim(), members: [...chosen] };
      const { id } = await api.send<GroupDto>('chat/groups', { method: 'POST', json });
      onClose();
      go('chat', id);
    } catch (error) {
      setProblem(groupProblem(chat, error));
      setMaking(false);
    }
  }

  return (
    <ChatDialog title={chat.newGroup} onClose={onClose}>
      <TextField
        className="field"
        value={name}
        onChange={setName}
        autoFocus
        isInvalid={name !== '' && !isNamed}
      >
        <Label>{chat.groups.name}</Label>
        <Input />
        <Text slot="description">{chat.groups.nameHint}</Text>
        <FieldError>{chat.groups.nameHint}</FieldError>
      </TextField>
      <p>{fill(chat.groups.choose, { n: chosen.size, all: MAX_MEMBERS - 1 })}</p>
      <ContactPick
        isHeardOnly
        chosen={chosen}
        onChange={(next) => {
          if (next.size < MAX_MEMBERS) setChosen(next);
        }}
      />
      {problem !== undefined && (
        <p className="form-problem" role="alert">
          {problem}
        </p>
      )}
      <div className="dialog-foot">
        <Button kind="main" isDisabled={!isNamed || isMaking} onPress={() => void make()}>
          {chat.groups.make}
        </Button>
      </div>
    </ChatDialog>
  );
}
