/**
 * This device among those of the account: its id, its key and its name. It is drawn anew at every
 * set-up, link and restore. Before: client-parts.ts; after: device-log.ts.
 * Spec: docs/spec/26-self-log.md.
 */
import { bytesToHex, hexToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import type { KeyPair, SealingSuite } from '@tanglemail/mail/core/ports.ts';
import {
  type DeviceId,
  deviceIdFromBytes,
  MAX_DEVICE_NAME_LENGTH,
} from '@tanglemail/mail/core/self-log/operation.ts';
import { z } from 'zod';
import { collection, count, hex } from '../store/collections.ts';
import type { SealedBatch, SealedStore } from '../store/sealed-store.ts';

/** Left out of what a restored store takes over (backup/start-anew.ts). */
const KEY = 'own/device';

export const ownDevices = collection(
  'device',
  z.strictObject({
    id: z.string().regex(/^[0-9a-f]{32}$/),
    secretKey: hex,
    name: z.string().min(1).max(MAX_DEVICE_NAME_LENGTH),
    createdAtMs: count,
    /** The account began here; only such a device counts on the tags that the keys give. */
    isFirst: z.boolean(),
  }),
);

export interface OwnDevice {
  readonly id: DeviceId;
  readonly keys: KeyPair;
  readonly name: string;
  readonly isFirst: boolean;
}

/** The device of a store; undefined before it was made. */
export function findOwnDevice(store: SealedStore, suite: SealingSuite): OwnDevice | undefined {
  const record = store.get(ownDevices, KEY);
  if (record === undefined) return undefined;
  const secretKey = hexToBytes(record.secretKey);
  const keys = { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
  const id = deviceIdFromBytes(hexToBytes(record.id));
  return { id, keys, name: record.name, isFirst: record.isFirst };
}

/** Draws a device and puts it into the batch. */
export function createOwnDevice(
  batch: SealedBatch,
  facts: { readonly name: string; readonly isFirst: boolean; readonly nowMs: number },
  random: (length: number) => Uint8Array,
  suite: SealingSuite,
): OwnDevice {
  const id = deviceIdFromBytes(random(16));
  const secretKey = random(32);
  const name = deviceName(facts.name);
  const { isFirst, nowMs: createdAtMs } = facts;
  batch.put(ownDevices, KEY, { id, secretKey: bytesToHex(secretKey), name, createdAtMs, isFirst });
  const keys = { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
  return { id, keys, name, isFirst };
}

/** A name that fits an operation: UTF-8 of at most 64 bytes, no control characters. */
export function deviceName(text: string): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').trim();
  let name = clean === '' ? 'device' : clean;
  while (new TextEncoder().encode(name).length > MAX_DEVICE_NAME_LENGTH) name = name.slice(0, -1);
  return name;
}
