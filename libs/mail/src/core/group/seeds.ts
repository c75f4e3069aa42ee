/**
 * Who must be given the seed of a device's sending chain, and when a new chain must begin: a pure
 * function of the group's state and of who may hold the present seed. The chain itself, its ratchet
 * and its tags, is another module's. Stop before: group/state.ts; next: group/note.ts, which the
 * letters carry. Spec: docs/spec/27-group.md.
 */
import { equalBytes } from '../crypto/kdf.ts';
import type { MailAddress } from '../identity/address.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { GroupState, Member } from './state.ts';
import { roleOf } from './state.ts';

export const CHAIN_ID_LENGTH = 16;

/** Somebody who may hold the seed of our chain. */
export interface SeedHolder {
  readonly address: MailAddress;
  /** X25519, 32 bytes: the key that the letter was sealed to. */
  readonly identityKey: Uint8Array;
  /** Whether the letter is known to be stored; false means: send it, again if need be. */
  readonly isSettled: boolean;
}

/** What a device knows of its own chain in a group, besides the chain. */
export interface OwnChain {
  readonly chainId: Uint8Array;
  /** Whether a message was sent on it: who gets the seed now could read that message. */
  readonly isUsed: boolean;
  /** Everybody to whom the seed was ever addressed: at most 24. */
  readonly holders: readonly SeedHolder[];
}

export interface SeedPlan {
  /** To be stored before anything is sent: a crash must not forget who may hold the seed. */
  readonly chain: OwnChain;
  /** The chain begins anew: with `fresh`, at its first message. */
  readonly isRenewed: boolean;
  /** To whom a letter with the seed is due now. */
  readonly recipients: readonly Member[];
}

/**
 * What must be sent to whom before the next message of `self`. A new chain (with `freshChainId`)
 * begins when somebody who may hold the seed is a member no more or has other keys, so that the
 * removed cannot read on; and when somebody joins after messages were sent, so that the new one
 * cannot read back. Code: `group-not-member`.
 */
export function planSeeds(
  state: GroupState,
  self: MailAddress,
  chain: OwnChain | undefined,
  freshChainId: Uint8Array,
): MailOutcome<SeedPlan> {
  assert(freshChainId.length === CHAIN_ID_LENGTH, 'a chain id has 16 bytes');
  if (roleOf(state, self) === undefined) return fail('group-not-member');
  const others = state.members.filter((member) => member.address !== self);
  const held = chain?.holders ?? [];
  const isGone = held.some((holder) => !others.some((member) => isSame(holder, member)));
  const hasSeed = (member: Member): boolean => held.some((holder) => isSame(holder, member));
  const newcomers = others.filter((member) => !hasSeed(member));
  const isRenewed = chain === undefined || isGone || (chain.isUsed && newcomers.length > 0);
  if (isRenewed) {
    const holders = others.map(unsettled);
    const renewed = { chainId: freshChainId, isUsed: false, holders };
    return succeed({ chain: renewed, isRenewed, recipients: others });
  }
  const holders = [...held, ...newcomers.map(unsettled)];
  const owed = holders.filter((holder) => !holder.isSettled);
  const recipients = others.filter((member) => owed.some((holder) => isSame(holder, member)));
  return succeed({ chain: { ...chain, holders }, isRenewed, recipients });
}

/** The letter with the seed for `address` is stored: it need not be sent again. */
export function settleSeed(chain: OwnChain, address: MailAddress): OwnChain {
  const holders = chain.holders.map((holder) =>
    holder.address === address ? { ...holder, isSettled: true } : holder,
  );
  return { ...chain, holders };
}

/** `address` has no seed, as it says (restored, or the letter is lost): one is due again. */
export function reopenSeed(chain: OwnChain, address: MailAddress): OwnChain {
  const holders = chain.holders.map((holder) =>
    holder.address === address ? { ...holder, isSettled: false } : holder,
  );
  return { ...chain, holders };
}

function isSame(holder: SeedHolder, member: Member): boolean {
  return holder.address === member.address && equalBytes(holder.identityKey, member.identityKey);
}

function unsettled(member: Member): SeedHolder {
  return { address: member.address, identityKey: member.identityKey, isSettled: false };
}
