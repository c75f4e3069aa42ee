/**
 * Outputs by who may use them and by tag, for wallets. Unspent and spent ones stand apart, so that
 * a busy address with a long past lists its few unspent outputs at once.
 * Buckets: outputsByAddress, outputsByTag.
 * Path: milestone-batch.ts and the node's indexer → here → kv-store.ts.
 * Spec: docs/spec/10-storage.md.
 */
import type { Address, OutputId } from '../../core/codec/ids.ts';
import { bytesToHex, OUTPUT_ID_LENGTH } from '../../core/codec/ids.ts';
import type { Output } from '../../core/codec/output.ts';
import type { OutputRecord } from '../../core/ledger/ledger-diff.ts';
import type { Hasher } from '../../core/ports.ts';
import type { KeyPart } from './buckets.ts';
import { hexInKey, keyOf, prefixRange, u32InKey, u8Part } from './buckets.ts';
import type { KvBatch, KvReader } from './kv-store.ts';

/** What an address may be to an output; the numbers stand in keys. */
export const OUTPUT_ROLES = {
  /** Address of a basic output. */
  owner: 1,
  /** Return address of a basic output that expires. */
  returnAddress: 2,
  /** Payee of a channel. */
  payee: 3,
  /** Refund address of a channel. */
  refundAddress: 4,
  /** Owner of a validator bond: apart from `owner`, for it is no balance. */
  bondOwner: 5,
  /** Key that a validator bond stands behind; its 32 bytes stand where an address does. */
  bondKey: 6,
} as const;

export type OutputRole = keyof typeof OUTPUT_ROLES;

/** One page of a listing. */
export interface OutputPage {
  readonly items: readonly { readonly outputId: OutputId; readonly milestoneIndex: number }[];
  /** Pass it on to get the next page; absent on the last one. */
  readonly cursor?: OutputCursor;
}

/** A place in a listing: the last item that was given out. */
export interface OutputCursor {
  readonly milestoneIndex: number;
  readonly outputId: OutputId;
}

export interface PageOptions {
  readonly spent: boolean;
  /** Items of one page, 1 or more; the caller bounds it. */
  readonly limit: number;
  readonly cursor?: OutputCursor;
}

const NOTHING = new Uint8Array();

export class OutputIndexRepository {
  readonly #store: KvReader;
  readonly #hasher: Hasher;

  constructor(store: KvReader, hasher: Hasher) {
    this.#store = store;
    this.#hasher = hasher;
  }

  /** Outputs in which `address` has `role`, in the order in which milestones booked them. */
  byAddress(address: Address, role: OutputRole, options: PageOptions): Promise<OutputPage> {
    const roleAndState = [u8Part(OUTPUT_ROLES[role]), u8Part(options.spent ? 1 : 0)];
    return this.#page('outputsByAddress', [address, ...roleAndState], options);
  }

  /** Basic outputs with `tag`, in the order in which milestones booked them. */
  byTag(tag: Uint8Array, options: PageOptions): Promise<OutputPage> {
    const hash = this.#hasher.blake2b256(tag);
    return this.#page('outputsByTag', [hash, u8Part(options.spent ? 1 : 0)], options);
  }

  async #page(
    bucket: 'outputsByAddress' | 'outputsByTag',
    parts: readonly KeyPart[],
    { limit, cursor }: PageOptions,
  ): Promise<OutputPage> {
    const prefix = keyOf(bucket, ...parts);
    const { gte, lt } = prefixRange(prefix);
    const from = cursor ? after(keyOf(bucket, ...parts, ...placeOf(cursor))) : gte;
    const items: { outputId: OutputId; milestoneIndex: number }[] = [];
    // One more than asked tells whether there is another page.
    for await (const [key] of this.#store.iterate({ gte: from, lt, limit: limit + 1 })) {
      const at = prefix.length - 1;
      const milestoneIndex = u32InKey(key, at);
      const outputId = hexInKey(key, at + 4, OUTPUT_ID_LENGTH) as OutputId;
      items.push({ outputId, milestoneIndex });
    }
    if (items.length <= limit) return { items };
    items.pop();
    const last = items.at(-1);
    return last ? { items, cursor: last } : { items };
  }
}

/** Adds an unspent output to the indexes. */
export function putIndexed(batch: KvBatch, record: OutputRecord, hasher: Hasher): void {
  for (const key of keysOf(record, false, hasher)) batch.put(key, NOTHING);
}

/** Moves an output from the unspent to the spent ones. */
export function moveToSpent(batch: KvBatch, record: OutputRecord, hasher: Hasher): void {
  for (const key of keysOf(record, false, hasher)) batch.del(key);
  for (const key of keysOf(record, true, hasher)) batch.put(key, NOTHING);
}

/** Removes a spent output from the indexes. */
export function delSpentIndexed(batch: KvBatch, record: OutputRecord, hasher: Hasher): void {
  for (const key of keysOf(record, true, hasher)) batch.del(key);
}

function keysOf(record: OutputRecord, spent: boolean, hasher: Hasher): Uint8Array[] {
  const { output } = record;
  const state = u8Part(spent ? 1 : 0);
  const place = placeOf(record);
  const keys = rolesOf(output).map(([role, address]) =>
    keyOf('outputsByAddress', address, u8Part(OUTPUT_ROLES[role]), state, ...place),
  );
  if (output.kind === 'basic' && output.tag) {
    keys.push(keyOf('outputsByTag', hasher.blake2b256(output.tag), state, ...place));
  }
  return keys;
}

function rolesOf(output: Output): [OutputRole, Address][] {
  if (output.kind === 'channel') {
    return [
      ['payee', output.payee],
      ['refundAddress', output.refundAddress],
    ];
  }
  if (output.kind === 'validator-bond') {
    return [
      ['bondOwner', output.owner],
      ['bondKey', bytesToHex(output.publicKey) as Address],
    ];
  }
  const { address, expiration } = output;
  return expiration
    ? [
        ['owner', address],
        ['returnAddress', expiration.returnAddress],
      ]
    : [['owner', address]];
}

function placeOf({ milestoneIndex, outputId }: OutputCursor): KeyPart[] {
  return [milestoneIndex, outputId];
}

/** The first key behind `key`. */
function after(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
