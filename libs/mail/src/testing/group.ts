/**
 * Groups for tests: the people of people.ts as authors, and a way to write each change on exactly
 * the heads that a test wants.
 */
import { hexToBytes } from '@noble/hashes/utils.js';
import { nobleVerifier } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { ChangeId, GroupAction, GroupChange, MemberRecord } from '../core/group/change.ts';
import { signChange } from '../core/group/change.ts';
import type { GroupLog, GroupWorld } from '../core/group/log.ts';
import { openGroup } from '../core/group/log.ts';
import { nobleSuite } from '../core/crypto/noble-suite.ts';
import type { MailAddress } from '../core/identity/address.ts';
import { addressOf } from '../core/identity/address.ts';
import { certifyIdentity } from '../core/identity/certificate.ts';
import type { AccountKeys } from '../core/identity/keys.ts';
import { deriveAccountKeys, deriveAccountRoot } from '../core/identity/keys.ts';
import { TEST_NETWORK } from './people.ts';
import { valueOf } from './vectors.ts';

export const TEST_WORLD: GroupWorld = { networkId: TEST_NETWORK, verifier: nobleVerifier };

/** Somebody who may be in a group. */
export interface Author {
  readonly keys: AccountKeys;
  readonly address: MailAddress;
  readonly record: MemberRecord;
}

/** The same person as makePerson(index), without the slow keys of epochs. */
export function makeAuthor(index: number): Author {
  const keys = deriveAccountKeys(
    deriveAccountRoot(new Uint8Array(64).fill(0x42), index),
    nobleSuite,
  );
  const accountKey = keys.account.publicKey;
  const identityKey = keys.identity.publicKey;
  const certificate = certifyIdentity(TEST_NETWORK, keys.account, identityKey);
  return { keys, address: addressOf(accountKey), record: { accountKey, identityKey, certificate } };
}

/** A founding change; the nonce is 32 times 9. */
export function found(founder: Author, name = 'Reading circle'): GroupChange {
  const action: GroupAction = { kind: 'create', founder: founder.record, name };
  const { accountKey } = founder.record;
  const group = new Uint8Array(32).fill(9);
  const body = { networkId: TEST_NETWORK, group, accountKey, sequence: 1, parents: [], action };
  return signChange(body, founder.keys.account.secretKey);
}

/** A log that holds only the founding. */
export function openFounded(founder: Author): GroupLog {
  return valueOf(openGroup(found(founder), TEST_WORLD));
}

/** A change on the log's own heads, as an honest client writes it; it is received at once. */
export function act(log: GroupLog, author: Author, action: GroupAction): GroupChange {
  const body = valueOf(log.draft(author.record.accountKey, action));
  const change = signChange(body, author.keys.account.secretKey);
  valueOf(log.receive(change));
  return change;
}

/** A change on any heads with any number, as a liar may write it; nobody has received it. */
export function forge(
  author: Author,
  parents: readonly GroupChange[],
  sequence: number,
  action: GroupAction,
  groupId: ChangeId,
): GroupChange {
  const { accountKey } = author.record;
  const ids = parents.map((parent) => parent.id).toSorted();
  const group = hexToBytes(groupId);
  const body = { networkId: TEST_NETWORK, group, accountKey, sequence, parents: ids, action };
  return signChange(body, author.keys.account.secretKey);
}

/** A second log with the same changes, as another device holds it. */
export function copyOf(log: GroupLog): GroupLog {
  const [founding, ...others] = log.changes();
  if (founding === undefined) throw new Error('a log has a founding change');
  const copy = valueOf(openGroup(founding, TEST_WORLD));
  for (const change of others) valueOf(copy.receive(change));
  return copy;
}

/** Membership as text: role and address, in the order of the state. */
export function rolesOf(log: GroupLog): string[] {
  return log.current().members.map((member) => `${member.role} ${member.address}`);
}
