/** One member of a group: name, role, and what one may do about it. */
import { Ellipsis } from 'lucide-react';
import { useState } from 'react';
import { Button, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import type { GroupChangeDto, GroupDto } from '../../../src/api/chat-dto.ts';
import { Avatar } from '../ui/avatar.tsx';
import { fill } from '../words/plurals.ts';
import { useWords } from '../words/use-words.ts';
import { Confirm } from './dialogs.tsx';
import { actsOn, type MemberAct, type Role } from './group-rules.ts';
import { nameOf } from './line-texts.ts';

export interface GroupMemberProps {
  readonly member: GroupDto['members'][number];
  /** The user's own role. */
  readonly own: Role | null;
  readonly onChange: (change: GroupChangeDto) => Promise<boolean>;
}

export function GroupMember({ member, own, onChange }: GroupMemberProps) {
  const { chat } = useWords();
  const [isRemoving, setRemoving] = useState(false);
  const { groups } = chat;
  const { address, role, isOwn } = member;
  const name = isOwn ? chat.you : nameOf(member);
  const acts = isOwn ? [] : actsOn(own, role);
  function act(kind: MemberAct): void {
    if (kind === 'remove') setRemoving(true);
    else void onChange({ kind, who: address });
  }
  return (
    <li>
      <Avatar name={name} address={address} />
      <span className="people-name">
        <strong className="cut">{name}</strong>
        <small>{groups.roles[role]}</small>
      </span>
      {acts.length > 0 && (
        <MenuTrigger>
          <Button className="icon-button" aria-label={fill(groups.actions, { name })}>
            <Ellipsis aria-hidden size={16} />
          </Button>
          <Popover className="popover menu-popover">
            <Menu className="chat-menu">
              {acts.map((kind) => (
                <MenuItem key={kind} className="option" onAction={() => act(kind)}>
                  {groups[kind]}
                </MenuItem>
              ))}
            </Menu>
          </Popover>
        </MenuTrigger>
      )}
      {isRemoving && (
        <Confirm
          title={fill(groups.removeTitle, { name })}
          hint={groups.removeHint}
          action={groups.remove}
          onClose={() => setRemoving(false)}
          onAct={() => void onChange({ kind: 'remove', who: address })}
        />
      )}
    </li>
  );
}
