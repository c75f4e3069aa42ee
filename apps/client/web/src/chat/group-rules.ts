/** Who may do what in a group, as docs/spec/27-group.md section 2 has it. Pure. */
import type { GroupDto } from '../../../src/api/chat-dto.ts';

export const MAX_MEMBERS = 25;
export const MAX_GROUP_NAME_BYTES = 64;

export type Role = GroupDto['members'][number]['role'];
export type MemberAct = 'promote' | 'demote' | 'remove';

/** What somebody with the role `own` may do to another member. */
export function actsOn(own: Role | null, member: Role): MemberAct[] {
  if (member === 'founder') return [];
  if (own === 'founder') return member === 'admin' ? ['demote', 'remove'] : ['promote', 'remove'];
  return own === 'admin' && member === 'member' ? ['remove'] : [];
}

/** Whether the group can be called something else, and people be added while there is room. */
export function leads(own: Role | null): boolean {
  return own === 'founder' || own === 'admin';
}

export function isGroupName(name: string): boolean {
  const bytes = new TextEncoder().encode(name).length;
  return name.trim() !== '' && bytes <= MAX_GROUP_NAME_BYTES && !/\p{Cc}/u.test(name);
}
