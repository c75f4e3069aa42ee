/** A group: what it is called, who is in it, what one may change, and how to leave it. */
import { LogOut, TriangleAlert, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { Input, Label, TextField } from 'react-aria-components';
import type { GroupChangeDto, GroupDto } from '../../../src/api/chat-dto.ts';
import { useData, useResource } from '../daemon/use-data.ts';
import { Button } from '../ui/button.tsx';
import { Failed, Skeleton } from '../ui/states.tsx';
import { fill } from '../words/plurals.ts';
import { useCount, useWords } from '../words/use-words.ts';
import { ContactPick } from './contact-pick.tsx';
import { ChatDialog, Confirm } from './dialogs.tsx';
import { GroupMember } from './group-member.tsx';
import { groupProblem } from './group-problem.ts';
import { isGroupName, leads, MAX_MEMBERS } from './group-rules.ts';
import { nameOf } from './line-texts.ts';

export interface GroupDialogProps {
  readonly id: string;
  readonly onClose: () => void;
}

export function GroupDialog({ id, onClose }: GroupDialogProps) {
  const { resources } = useData();
  const { chat } = useWords();
  const path = `chat/groups/${id}`;
  const { value, problem } = useResource<GroupDto>(path);
  return (
    <ChatDialog title={value?.name ?? chat.groups.details} onClose={onClose}>
      {problem !== undefined && value === undefined && (
        <Failed problem={problem} retry={() => resources.invalidate(path)} />
      )}
      {value === undefined ? <Skeleton lines={3} /> : <Details group={value} onClose={onClose} />}
    </ChatDialog>
  );
}

type Change = (change: GroupChangeDto) => Promise<boolean>;

/** Changes go one by one; false when one was refused. */
function useChanging(id: string): { readonly change: Change; readonly problem?: string } {
  const { api, resources } = useData();
  const { chat } = useWords();
  const [problem, setProblem] = useState<string | undefined>(undefined);
  async function change(json: GroupChangeDto): Promise<boolean> {
    try {
      const path = `chat/groups/${id}`;
      const after = await api.send<GroupDto>(`${path}/changes`, { method: 'POST', json });
      resources.put<GroupDto>(path, () => after);
      setProblem(undefined);
      return true;
    } catch (error) {
      setProblem(groupProblem(chat, error));
      return false;
    }
  }
  return problem === undefined ? { change } : { change, problem };
}

function Details({ group, onClose }: { readonly group: GroupDto; readonly onClose: () => void }) {
  const { chat } = useWords();
  const countOf = useCount();
  const { change, problem } = useChanging(group.id);
  const [isLeaving, setLeaving] = useState(false);
  const { role, members, equivocations, waiting, stateHash } = group;
  const { groups } = chat;
  return (
    <>
      {equivocations.map(({ author }) => (
        <p key={author.address} className="group-warning" role="note">
          <TriangleAlert aria-hidden size={18} />
          <span>{fill(groups.twoStories, { name: nameOf(author) })}</span>
        </p>
      ))}
      {waiting > 0 && <p className="conversation-hint">{countOf(groups.waiting, waiting)}</p>}
      {problem !== undefined && (
        <p className="form-problem" role="alert">
          {problem}
        </p>
      )}
      {leads(role) && <Rename name={group.name} change={change} />}
      <h3>
        {groups.members} <span className="figures">{members.length}</span>
      </h3>
      <ul className="people">
        {members.map((one) => (
          <GroupMember key={one.address} member={one} own={role} onChange={change} />
        ))}
      </ul>
      {leads(role) && members.length < MAX_MEMBERS && <Adding group={group} change={change} />}
      <p className="group-same">
        {groups.same} <span className="mono">{stateHash}</span>
      </p>
      {role !== null && (
        <div className="dialog-foot">
          <Button kind="danger" icon={LogOut} onPress={() => setLeaving(true)}>
            {groups.leave}
          </Button>
        </div>
      )}
      {isLeaving && (
        <Confirm
          title={fill(groups.leaveTitle, { name: group.name })}
          hint={groups.leaveHint}
          action={groups.leave}
          onClose={() => setLeaving(false)}
          onAct={() => {
            void change({ kind: 'leave' }).then((isDone) => isDone && onClose());
          }}
        />
      )}
    </>
  );
}

function Rename({ name, change }: { readonly name: string; readonly change: Change }) {
  const { groups } = useWords().chat;
  const [next, setNext] = useState(name);
  const isNew = next.trim() !== name && isGroupName(next);
  return (
    <div className="group-rename">
      <TextField className="field" value={next} onChange={setNext}>
        <Label>{groups.name}</Label>
        <Input />
      </TextField>
      <Button
        isDisabled={!isNew}
        onPress={() => void change({ kind: 'rename', name: next.trim() })}
      >
        {groups.rename}
      </Button>
    </div>
  );
}

/** People are added one by one, since one of them may be refused. */
function Adding({ group, change }: { readonly group: GroupDto; readonly change: Change }) {
  const { groups } = useWords().chat;
  const [isOpen, setOpen] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const room = MAX_MEMBERS - group.members.length;
  async function add(): Promise<void> {
    for (const who of chosen) if (!(await change({ kind: 'add', who }))) return;
    setChosen(new Set());
    setOpen(false);
  }
  if (!isOpen) {
    return (
      <Button icon={UserPlus} onPress={() => setOpen(true)}>
        {groups.add}
      </Button>
    );
  }
  return (
    <div className="group-adding">
      <p>{fill(groups.choose, { n: chosen.size, all: room })}</p>
      <ContactPick
        isHeardOnly
        without={group.members.map(({ address }) => address)}
        chosen={chosen}
        onChange={(next) => {
          if (next.size <= room) setChosen(next);
        }}
      />
      <Button kind="main" isDisabled={chosen.size === 0} onPress={() => void add()}>
        {groups.addChosen}
      </Button>
    </div>
  );
}
