/**
 * The descriptor of an account: what a sender must know, signed by the account key and published as
 * tagged data. Stop before: identity/epoch.ts; next: letter/letter.ts of whoever writes to the
 * account. Spec: docs/spec/21-descriptor.md.
 */
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { concatBytes, domain, equalBytes, utf8ToBytes } from '../crypto/kdf.ts';
import { MAX_MESSAGE_SIZE, MAX_STAMP_BITS, PADDED_SIZES } from '../limits.ts';
import { assert, fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import { MLKEM_PUBLIC_KEY_LENGTH, X25519_KEY_LENGTH } from '../ports.ts';
import type { MailAddress } from './address.ts';
import { addressOf, MAIL_ADDRESS_LENGTH, mailAddressFromBytes } from './address.ts';
import { mailAddressToBytes } from './address.ts';
import type { EpochBundle } from './epoch.ts';
import type { SpamPolicy, SubAddress } from './sub-address.ts';
import { isAscending, MAX_SUB_ADDRESSES, SUB_ADDRESS_ID_LENGTH } from './sub-address.ts';
import { epochOf } from './epoch.ts';

export const DESCRIPTOR_VERSION = 1;
/** Bytes of a descriptor. Eight bundles take 9,728, sixteen sub-addresses 800. */
export const MAX_DESCRIPTOR_SIZE = 16_383;
export const MAX_BUNDLES = 8;
/**
 * Replicas of a mailbox. Also bounds what a sender contacts on behalf of a stranger's descriptor.
 */
export const MAX_PROVIDERS = 3;
/** Bytes of one provider endpoint. */
export const MAX_ENDPOINT_LENGTH = 128;
export const MAX_FORMAT_VERSIONS = 8;
/** The least that `maxMail` may say: whoever hears anybody hears a short text. */
export const MIN_MAX_MAIL = 1_024;
/** Lead of `issuedAt` over our own clock that is still believed, in seconds. */
export const MAX_CLOCK_LEAD_SECONDS = 600;
const TAG_PREFIX = utf8ToBytes('tmail-desc');
const SIGNATURE_DOMAIN = domain('tmail/descriptor/v1');
const SIGNATURE_LENGTH = 64;
const FLAG_CONTACTS_ONLY = 1;

/** Where mail for the account may be delivered and fetched. */
export interface ProviderHint {
  /** 32 bytes: the provider's bond on the ledger. */
  readonly bondId: Uint8Array;
  /** https URL or multiaddr, 1–128 printable ASCII characters. */
  readonly endpoint: string;
}

/** Everything but the signature. Keys are raw bytes, 32 each. */
export interface DescriptorBody {
  readonly networkId: bigint;
  /** Ed25519; its hash is the address. */
  readonly accountKey: Uint8Array;
  /** The newest number wins; a u64. */
  readonly sequence: bigint;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** X25519. */
  readonly identityKey: Uint8Array;
  /** The epoch of the first bundle; the others follow one by one. */
  readonly firstEpoch: number;
  /** 1 to 8. */
  readonly bundles: readonly EpochBundle[];
  /** X25519; strangers' tags are made with it. */
  readonly introKey: Uint8Array;
  /** At most 3, in order of preference. */
  readonly providers: readonly ProviderHint[];
  readonly policy: SpamPolicy;
  /** The largest envelope that is accepted, in bytes of block payload: a padding size. */
  readonly maxEnvelope: number;
  /** The largest mail that is accepted, its parcels included, in bytes: 1,024 to 26,214,400. */
  readonly maxMail: number;
  /** At most 16, ascending by id. */
  readonly subAddresses: readonly SubAddress[];
  /** Envelope versions that the account's devices read, ascending, 1 to 8 of them. */
  readonly formatVersions: readonly number[];
}

export interface Descriptor extends DescriptorBody {
  /** Ed25519 by the account key, 64 bytes. */
  readonly signature: Uint8Array;
}

/** The tag of the tagged-data block: "tmail-desc" ‖ 24 bytes of the address, 34 bytes. */
export function descriptorTag(address: MailAddress): Uint8Array {
  return concatBytes(TAG_PREFIX, mailAddressToBytes(address));
}

/** The address that a tag names, if it is a descriptor's tag. */
export function addressOfDescriptorTag(tag: Uint8Array): MailAddress | undefined {
  const isOurs =
    tag.length === TAG_PREFIX.length + MAIL_ADDRESS_LENGTH &&
    equalBytes(tag.subarray(0, TAG_PREFIX.length), TAG_PREFIX);
  return isOurs ? mailAddressFromBytes(tag.subarray(TAG_PREFIX.length)) : undefined;
}

/** Whether a text may stand as a provider's endpoint: an http(s) URL or a multiaddr. */
export function isEndpoint(text: string): boolean {
  return text.length <= MAX_ENDPOINT_LENGTH && /^(https?:\/\/|\/)[\x21-\x7e]+$/.test(text);
}

/** Signs a descriptor; the fields are our own, so a wrong one is a broken invariant. */
export function signDescriptor(body: DescriptorBody, accountSecret: Uint8Array): Descriptor {
  const wrong = wrongField(body);
  assert(wrong === undefined, `a descriptor of our own is sound: ${wrong}`);
  const message = concatBytes(SIGNATURE_DOMAIN, encodeBody(body));
  return { ...body, signature: signEd25519(accountSecret, message) };
}

export function encodeDescriptor(descriptor: Descriptor): Uint8Array {
  return concatBytes(encodeBody(descriptor), descriptor.signature);
}

/** Form only; `verifyDescriptor` must follow. Codes: those of form, `descriptor-field`. */
export function decodeDescriptor(bytes: Uint8Array): MailOutcome<Descriptor> {
  const decoded = decodeWith(bytes, MAX_DESCRIPTOR_SIZE, readDescriptor);
  if (!decoded.ok) return decoded;
  const wrong = wrongField(decoded.value);
  return wrong === undefined ? decoded : fail('descriptor-field', wrong);
}

/**
 * Whether a decoded descriptor may be believed. `address` is what was asked for; `nowSeconds` our
 * own clock. Codes: `descriptor-network`, `descriptor-account`, `descriptor-from-future`,
 * `descriptor-signature`.
 */
export function verifyDescriptor(
  descriptor: Descriptor,
  expected: { networkId: bigint; address: MailAddress; nowSeconds: number },
  verifier: Verifier,
): MailOutcome<Descriptor> {
  if (descriptor.networkId !== expected.networkId) return fail('descriptor-network');
  if (addressOf(descriptor.accountKey) !== expected.address) return fail('descriptor-account');
  if (descriptor.issuedAt > expected.nowSeconds + MAX_CLOCK_LEAD_SECONDS) {
    return fail('descriptor-from-future', `issued at ${descriptor.issuedAt}`);
  }
  const message = concatBytes(SIGNATURE_DOMAIN, encodeBody(descriptor));
  const isSigned = verifier.verify(descriptor.accountKey, message, descriptor.signature);
  return isSigned ? succeed(descriptor) : fail('descriptor-signature');
}

/**
 * From a tagged-data block to a believed descriptor. Codes as decode and verify, `descriptor-tag`.
 */
export function openDescriptor(
  taggedData: { tag: Uint8Array; data: Uint8Array },
  expected: { networkId: bigint; address: MailAddress; nowSeconds: number },
  verifier: Verifier,
): MailOutcome<Descriptor> {
  if (addressOfDescriptorTag(taggedData.tag) !== expected.address) return fail('descriptor-tag');
  const decoded = decodeDescriptor(taggedData.data);
  return decoded.ok ? verifyDescriptor(decoded.value, expected, verifier) : decoded;
}

/**
 * Which of two verified descriptors of one account counts. The value is the one to keep. Codes:
 * `descriptor-account` for another account, `descriptor-rollback` for a lower sequence (a node that
 * shows an old state, or an attacker), `descriptor-conflict` for the same sequence with other
 * contents: two devices, or a stolen key.
 */
export function newerDescriptor(
  known: Descriptor | undefined,
  candidate: Descriptor,
): MailOutcome<Descriptor> {
  if (known === undefined) return succeed(candidate);
  if (!equalBytes(known.accountKey, candidate.accountKey)) return fail('descriptor-account');
  if (candidate.sequence < known.sequence) {
    return fail('descriptor-rollback', `sequence ${candidate.sequence} after ${known.sequence}`);
  }
  if (candidate.sequence > known.sequence) return succeed(candidate);
  const isSame = equalBytes(encodeDescriptor(known), encodeDescriptor(candidate));
  return isSame ? succeed(known) : fail('descriptor-conflict');
}

/**
 * The bundle to seal to at `nowSeconds`. `isReduced` is true when the recipient has been silent for
 * so long that only its last bundle is left: forward secrecy then reaches only as far as that
 * epoch.
 */
export function chooseBundle(
  descriptor: DescriptorBody,
  nowSeconds: number,
): { epoch: number; bundle: EpochBundle; isReduced: boolean } {
  const wanted = epochOf(nowSeconds);
  const last = descriptor.firstEpoch + descriptor.bundles.length - 1;
  const epoch = Math.min(Math.max(wanted, descriptor.firstEpoch), last);
  const bundle = descriptor.bundles[epoch - descriptor.firstEpoch];
  assert(bundle, 'a descriptor has a bundle for each of its epochs');
  return { epoch, bundle, isReduced: wanted > last };
}

function encodeBody(body: DescriptorBody): Uint8Array {
  const writer = new Writer(512 + body.bundles.length * 1_216);
  writer.u8(DESCRIPTOR_VERSION);
  writer.u64(body.networkId);
  writer.fixed(body.accountKey, 32);
  writer.u64(body.sequence);
  writer.u32(body.issuedAt);
  writer.fixed(body.identityKey, X25519_KEY_LENGTH);
  writer.fixed(body.introKey, X25519_KEY_LENGTH);
  writePolicy(writer, body.policy);
  writer.u32(body.maxEnvelope);
  writer.u32(body.maxMail);
  writer.count8(body.formatVersions.length, 1, MAX_FORMAT_VERSIONS);
  for (const version of body.formatVersions) writer.u8(version);
  writer.count8(body.providers.length, 0, MAX_PROVIDERS);
  for (const provider of body.providers) {
    writer.fixed(provider.bondId, 32);
    writer.u8(provider.endpoint.length);
    writer.raw(utf8ToBytes(provider.endpoint));
  }
  writer.count8(body.subAddresses.length, 0, MAX_SUB_ADDRESSES);
  for (const { id, introKey, policy } of body.subAddresses) {
    writer.fixed(id, SUB_ADDRESS_ID_LENGTH);
    writer.fixed(introKey, X25519_KEY_LENGTH);
    writePolicy(writer, policy);
  }
  writer.u32(body.firstEpoch);
  writer.count8(body.bundles.length, 1, MAX_BUNDLES);
  for (const bundle of body.bundles) {
    writer.fixed(bundle.x25519, X25519_KEY_LENGTH);
    writer.fixed(bundle.mlkem, MLKEM_PUBLIC_KEY_LENGTH);
  }
  return writer.finish();
}

/** flags u8 ‖ stampBits u8. */
function writePolicy(writer: Writer, policy: SpamPolicy): void {
  writer.u8(policy.contactsOnly ? FLAG_CONTACTS_ONLY : 0);
  writer.u8(policy.stampBits);
}

function readPolicy(reader: Reader): SpamPolicy {
  const flags = reader.u8();
  if ((flags & ~FLAG_CONTACTS_ONLY) !== 0) refuse('not-canonical');
  return { stampBits: reader.u8(), contactsOnly: flags === FLAG_CONTACTS_ONLY };
}

function readProviders(reader: Reader): ProviderHint[] {
  const providers: ProviderHint[] = [];
  for (let left = reader.count8(0, MAX_PROVIDERS); left > 0; left--) {
    const bondId = reader.bytes(32);
    const endpoint = String.fromCharCode(...reader.view(reader.count8(1, MAX_ENDPOINT_LENGTH)));
    providers.push({ bondId, endpoint });
  }
  return providers;
}

function readSubAddresses(reader: Reader): SubAddress[] {
  const list: SubAddress[] = [];
  for (let left = reader.count8(0, MAX_SUB_ADDRESSES); left > 0; left--) {
    const id = reader.bytes(SUB_ADDRESS_ID_LENGTH);
    const introKey = reader.bytes(X25519_KEY_LENGTH);
    list.push({ id, introKey, policy: readPolicy(reader) });
  }
  return list;
}

function readDescriptor(reader: Reader): Descriptor {
  if (reader.u8() !== DESCRIPTOR_VERSION) refuse('version-unknown');
  const networkId = reader.u64();
  const accountKey = reader.bytes(32);
  const sequence = reader.u64();
  const issuedAt = reader.u32();
  const identityKey = reader.bytes(X25519_KEY_LENGTH);
  const introKey = reader.bytes(X25519_KEY_LENGTH);
  const policy = readPolicy(reader);
  const maxEnvelope = reader.u32();
  const maxMail = reader.u32();
  const formatVersions = [...reader.bytes(reader.count8(1, MAX_FORMAT_VERSIONS))];
  const providers = readProviders(reader);
  const subAddresses = readSubAddresses(reader);
  const firstEpoch = reader.u32();
  const bundles: EpochBundle[] = [];
  for (let left = reader.count8(1, MAX_BUNDLES); left > 0; left--) {
    const x25519 = reader.bytes(X25519_KEY_LENGTH);
    bundles.push({ x25519, mlkem: reader.bytes(MLKEM_PUBLIC_KEY_LENGTH) });
  }
  const signature = reader.bytes(SIGNATURE_LENGTH);
  const keys = { accountKey, identityKey, introKey };
  const limits = { policy, maxEnvelope, maxMail, formatVersions };
  const lists = { providers, subAddresses, firstEpoch, bundles };
  return { networkId, sequence, issuedAt, ...keys, ...limits, ...lists, signature };
}

/** The first field whose value breaks a rule of the spec page, by name. */
function wrongField(body: DescriptorBody): string | undefined {
  const policies = [body.policy, ...body.subAddresses.map((one) => one.policy)];
  if (policies.some((one) => one.stampBits > MAX_STAMP_BITS)) return 'stampBits';
  if (!PADDED_SIZES.includes(body.maxEnvelope)) return 'maxEnvelope';
  if (body.maxMail < MIN_MAX_MAIL || body.maxMail > MAX_MESSAGE_SIZE) return 'maxMail';
  const versions = body.formatVersions;
  if (versions.some((one, at) => at > 0 && one <= (versions[at - 1] ?? 0))) return 'formatVersions';
  if (!body.providers.every((provider) => isEndpoint(provider.endpoint))) return 'endpoint';
  if (!isAscending(body.subAddresses)) return 'subAddresses';
  if (body.firstEpoch + body.bundles.length > 0xffff_ffff) return 'firstEpoch';
  return undefined;
}
