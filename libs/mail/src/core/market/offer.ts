/**
 * The provider's offer: prices, limits, endpoints and keys, signed by the bond key and published
 * as tagged data in the tangle every 24 hours, so that every buyer sees the same one. After:
 * selection.ts chooses among offers. Spec: docs/spec/30-offer.md.
 */
import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { decodeWith, refuse } from '@tanglemail/tangle/core/codec/reader.ts';
import type { Reader } from '@tanglemail/tangle/core/codec/reader.ts';
import { Writer } from '@tanglemail/tangle/core/codec/writer.ts';
import { signEd25519 } from '@tanglemail/tangle/core/crypto/ed25519-strict.ts';
import { succeed } from '@tanglemail/tangle/core/outcome.ts';
import type { Outcome } from '@tanglemail/tangle/core/outcome.ts';
import type { Verifier } from '@tanglemail/tangle/core/ports.ts';
import { fail } from './checks.ts';
import type { MarketOutcome } from './checks.ts';
import type { Prices } from './prices.ts';

/** Tag of the tagged-data payload that carries an offer. */
export const OFFER_TAG = utf8ToBytes('tmail-offer');
/** Bytes of an offer: the largest has 4 endpoints, 2 periods of 4 denominations. */
export const MAX_OFFER_SIZE = 1_100;
export const MAX_ENDPOINTS = 4;
export const MAX_ENDPOINT_SIZE = 128;
export const MAX_PERIODS = 2;
export const MAX_DENOMINATIONS = 4;
/** Longest life of an offer: 72 hours. */
export const MAX_OFFER_LIFE = 72 * 3_600;
/** Seconds between two publications of an unchanged offer. */
export const OFFER_INTERVAL = 24 * 3_600;
/** Bit 0: `bondId` names a bond on the ledger. Clear: `bondId` is the provider's public key. */
export const OFFER_FLAG_BONDED = 1;
const KNOWN_FLAGS = OFFER_FLAG_BONDED;
const VERSION = 1;
const DOMAIN = utf8ToBytes('tmail/offer/v1\0');

/** One face value of blind tokens and the key that issues it. */
export interface TokenDenomination {
  /** Base units. */
  readonly value: number;
  /** VOPRF public key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A period of token keys; offers of providers without blind tokens have none. */
export interface TokenPeriod {
  readonly period: number;
  /** Unix seconds. */
  readonly issueFrom: number;
  readonly issueUntil: number;
  readonly redeemUntil: number;
  readonly denominations: readonly TokenDenomination[];
}

/** Everything the signature covers. Amounts in base units, times in unix seconds. */
export interface OfferFields extends Prices {
  readonly networkId: bigint;
  /** 32 bytes; see {@link OFFER_FLAG_BONDED}. */
  readonly bondId: Uint8Array;
  /** Grows with every offer; the newest wins. */
  readonly seq: bigint;
  readonly issuedAt: number;
  readonly validUntil: number;
  /** Address that channels must name. */
  readonly payee: Address;
  /** `https://…` (or `http://…` on one machine) or a multiaddr in text, 1–4, ASCII. */
  readonly endpoints: readonly string[];
  /** Greatest object, bytes. */
  readonly maxObject: number;
  /** Greatest part of a parcel, bytes; 0 when the provider takes none. */
  readonly maxPart: number;
  readonly maxRetentionDays: number;
  readonly minRetentionDays: number;
  readonly minChannel: bigint;
  /** Seconds that a channel must and may still live when it is presented. */
  readonly minTtl: number;
  readonly maxTtl: number;
  readonly maxBalance: bigint;
  readonly penaltyMin: bigint;
  /** Penalty as a multiple of the ingest price. */
  readonly penaltyX: number;
  readonly challengeDepositMax: bigint;
  /** Free objects a day for mail of unknown senders, and their greatest size. */
  readonly unsolicitedPerDay: number;
  readonly unsolicitedMax: number;
  readonly periods: readonly TokenPeriod[];
  /** Free space of the provider as a power of two; a hint. */
  readonly freeBytesLog2: number;
  readonly flags: number;
}

export interface Offer extends OfferFields {
  readonly signature: Uint8Array;
}

/** `"tmail/offer/v1\0"` ‖ all bytes before the signature. */
export function offerMessage(fields: OfferFields): Uint8Array {
  const writer = new Writer(512);
  writer.raw(DOMAIN);
  writeFields(writer, fields);
  return writer.finish();
}

export function signOffer(fields: OfferFields, bondSecretKey: Uint8Array): Offer {
  return { ...fields, signature: signEd25519(bondSecretKey, offerMessage(fields)) };
}

/** The bytes that are published and served. */
export function encodeOffer(offer: Offer): Uint8Array {
  const writer = new Writer(512);
  writeFields(writer, offer);
  writer.fixed(offer.signature, 64);
  return writer.finish();
}

/** Decodes an offer; neither signature nor validity is checked. */
export function decodeOffer(bytes: Uint8Array): Outcome<Offer> {
  return decodeWith(bytes, MAX_OFFER_SIZE, (reader) => ({
    ...readFields(reader),
    signature: reader.bytes(64),
  }));
}

/** The key that must have signed an offer without a bond: its `bondId`. */
export function bondPublicKeyOf(offer: OfferFields): Uint8Array | undefined {
  return (offer.flags & OFFER_FLAG_BONDED) === 0 ? offer.bondId : undefined;
}

/** What a reader of an offer knows. */
export interface OfferContext {
  readonly networkId: bigint;
  /** Unix seconds. */
  readonly ledgerTime: number;
  /** Key of the bond, for offers with one: looked up on the ledger. */
  readonly bondPublicKey?: Uint8Array;
}

/**
 * Checks network, validity, consistency and signature. Codes: `network-id-wrong`, `offer-invalid`
 * (detail names the field), `offer-expired`, `signature-invalid`.
 */
export function checkOffer(
  offer: Offer,
  context: OfferContext,
  verifier: Verifier,
): MarketOutcome<Offer> {
  if (offer.networkId !== context.networkId) return fail('network-id-wrong');
  const wrong = inconsistentField(offer);
  if (wrong !== undefined) return fail('offer-invalid', wrong);
  if (context.ledgerTime > offer.validUntil) return fail('offer-expired');
  const publicKey = bondPublicKeyOf(offer) ?? context.bondPublicKey;
  if (publicKey === undefined) return fail('offer-invalid', 'bondId');
  return verifier.verify(publicKey, offerMessage(offer), offer.signature)
    ? succeed(offer)
    : fail('signature-invalid');
}

/** The name of the first field that contradicts another, for the provider's own start too. */
export function inconsistentField(offer: OfferFields): string | undefined {
  const life = offer.validUntil - offer.issuedAt;
  if (life <= 0 || life > MAX_OFFER_LIFE) return 'validUntil';
  if (offer.minRetentionDays < 1) return 'minRetentionDays';
  if (offer.maxRetentionDays < offer.minRetentionDays) return 'maxRetentionDays';
  if (offer.maxTtl < offer.minTtl) return 'maxTtl';
  if (offer.maxObject < 1) return 'maxObject';
  const isEndpoint = (text: string): boolean => /^(https?:\/\/|\/)[\x21-\x7e]+$/.test(text);
  return offer.endpoints.every(isEndpoint) ? undefined : 'endpoints';
}

function writeFields(writer: Writer, offer: OfferFields): void {
  writer.u8(VERSION);
  writer.u64(offer.networkId);
  writer.fixed(offer.bondId, 32);
  writer.u64(offer.seq);
  writer.u32(offer.issuedAt);
  writer.u32(offer.validUntil);
  writer.hex(offer.payee, 32);
  writeEndpoints(writer, offer.endpoints);
  writer.u32(offer.rentPerMiBDay);
  writer.u32(offer.ingressPerMiB);
  writer.u32(offer.egressPerMiB);
  writer.u32(offer.perObject);
  writer.u32(offer.perRequest);
  writer.u32(offer.perPushDay);
  writer.u32(offer.maxObject);
  writer.u32(offer.maxPart);
  writer.u16(offer.maxRetentionDays);
  writer.u16(offer.minRetentionDays);
  writer.u64(offer.minChannel);
  writer.u32(offer.minTtl);
  writer.u32(offer.maxTtl);
  writer.u64(offer.maxBalance);
  writer.u64(offer.penaltyMin);
  writer.u32(offer.penaltyX);
  writer.u64(offer.challengeDepositMax);
  writer.u16(offer.unsolicitedPerDay);
  writer.u32(offer.unsolicitedMax);
  writePeriods(writer, offer.periods);
  writer.u8(offer.freeBytesLog2);
  writer.u16(offer.flags);
}

function readFields(reader: Reader): OfferFields {
  if (reader.u8() !== VERSION) refuse('version-unknown');
  const offer: OfferFields = {
    networkId: reader.u64(),
    bondId: reader.bytes(32),
    seq: reader.u64(),
    issuedAt: reader.u32(),
    validUntil: reader.u32(),
    payee: reader.hex(32) as Address,
    endpoints: readEndpoints(reader),
    rentPerMiBDay: reader.u32(),
    ingressPerMiB: reader.u32(),
    egressPerMiB: reader.u32(),
    perObject: reader.u32(),
    perRequest: reader.u32(),
    perPushDay: reader.u32(),
    maxObject: reader.u32(),
    maxPart: reader.u32(),
    maxRetentionDays: reader.u16(),
    minRetentionDays: reader.u16(),
    minChannel: reader.u64(),
    minTtl: reader.u32(),
    maxTtl: reader.u32(),
    maxBalance: reader.u64(),
    penaltyMin: reader.u64(),
    penaltyX: reader.u32(),
    challengeDepositMax: reader.u64(),
    unsolicitedPerDay: reader.u16(),
    unsolicitedMax: reader.u32(),
    periods: readPeriods(reader),
    freeBytesLog2: reader.u8(),
    flags: reader.u16(),
  };
  if ((offer.flags & ~KNOWN_FLAGS) !== 0) refuse('not-canonical', 'flags');
  return offer;
}

function writeEndpoints(writer: Writer, endpoints: readonly string[]): void {
  writer.count8(endpoints.length, 1, MAX_ENDPOINTS);
  for (const endpoint of endpoints) {
    const bytes = utf8ToBytes(endpoint);
    writer.count8(bytes.length, 1, MAX_ENDPOINT_SIZE);
    writer.raw(bytes);
  }
}

function readEndpoints(reader: Reader): string[] {
  return Array.from({ length: reader.count8(1, MAX_ENDPOINTS) }, () => {
    const bytes = reader.bytes(reader.count8(1, MAX_ENDPOINT_SIZE));
    // Visible ASCII only: a name in a log or a page cannot hide other text.
    if (bytes.some((byte) => byte < 0x21 || byte > 0x7e)) refuse('not-canonical', 'endpoint');
    return String.fromCharCode(...bytes);
  });
}

function writePeriods(writer: Writer, periods: readonly TokenPeriod[]): void {
  writer.count8(periods.length, 0, MAX_PERIODS);
  for (const period of periods) {
    writer.u32(period.period);
    writer.u32(period.issueFrom);
    writer.u32(period.issueUntil);
    writer.u32(period.redeemUntil);
    writer.count8(period.denominations.length, 1, MAX_DENOMINATIONS);
    for (const { value, publicKey } of period.denominations) {
      writer.u32(value);
      writer.fixed(publicKey, 32);
    }
  }
}

function readPeriods(reader: Reader): TokenPeriod[] {
  return Array.from({ length: reader.count8(0, MAX_PERIODS) }, () => ({
    period: reader.u32(),
    issueFrom: reader.u32(),
    issueUntil: reader.u32(),
    redeemUntil: reader.u32(),
    denominations: Array.from({ length: reader.count8(1, MAX_DENOMINATIONS) }, () => ({
      value: reader.u32(),
      publicKey: reader.bytes(32),
    })),
  }));
}
