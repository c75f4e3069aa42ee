/**
 * The messages that a mailbox key or a channel key signs towards a provider: creating a mailbox,
 * logging in, releasing an object, asking for a channel's snapshot or its close. Each has its own
 * domain, network and provider, so that a signature is worth nothing anywhere else.
 * Spec: docs/spec/34-provider-api.md, docs/spec/33-mailbox.md.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';

/** Which provider on which network a signature is meant for. */
export interface ProviderScope {
  readonly networkId: bigint;
  /** 32 bytes. */
  readonly bondId: Uint8Array;
}

function scoped(domain: string, scope: ProviderScope): Writer {
  const bytes = utf8ToBytes(`${domain}\0`);
  const writer = new Writer(bytes.length + 8 + 32 + 64);
  writer.raw(bytes);
  writer.u64(scope.networkId);
  writer.fixed(scope.bondId, 32);
  return writer;
}

/** SHA-256 of the mailbox's public key, 64 hex digits. */
export function mailboxIdOf(publicKey: Uint8Array): string {
  return bytesToHex(sha256(publicKey));
}

/** `"tmail/mailbox/v1\0" ‖ networkId ‖ bondId ‖ mailboxId 32`: opens a mailbox. */
export function mailboxMessage(scope: ProviderScope, mailboxId: string): Uint8Array {
  const writer = scoped('tmail/mailbox/v1', scope);
  writer.hex(mailboxId, 32);
  return writer.finish();
}

/** `"tmail/login/v1\0" ‖ networkId ‖ bondId ‖ mailboxId 32 ‖ nonce 32`. */
export function loginMessage(
  scope: ProviderScope,
  mailboxId: string,
  nonce: Uint8Array,
): Uint8Array {
  const writer = scoped('tmail/login/v1', scope);
  writer.hex(mailboxId, 32);
  writer.fixed(nonce, 32);
  return writer.finish();
}

/** `"tmail/release/v1\0" ‖ networkId ‖ bondId ‖ root 32`: gives an object up. */
export function releaseMessage(scope: ProviderScope, root: Uint8Array): Uint8Array {
  const writer = scoped('tmail/release/v1', scope);
  writer.fixed(root, 32);
  return writer.finish();
}

/** `"tmail/snapshot/v1\0" ‖ networkId ‖ bondId ‖ channelId 34 ‖ time u32`. */
export function snapshotMessage(
  scope: ProviderScope,
  channelId: OutputId,
  time: number,
): Uint8Array {
  const writer = scoped('tmail/snapshot/v1', scope);
  writer.hex(channelId, 34);
  writer.u32(time);
  return writer.finish();
}

/** `"tmail/close/v1\0" ‖ networkId ‖ bondId ‖ channelId 34`: asks the provider to claim now. */
export function closeMessage(scope: ProviderScope, channelId: OutputId): Uint8Array {
  const writer = scoped('tmail/close/v1', scope);
  writer.hex(channelId, 34);
  return writer.finish();
}
