/**
 * The `Payment` authentication scheme on the wire (draft-httpauth-payment, method `tangle`): the
 * challenge of a 402, the credential that answers it, and the receipt of the answer. Server and
 * client of the provider's API both use this file. Spec: docs/spec/34-provider-api.md.
 */
import { Buffer } from 'node:buffer';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { hex } from './dto.ts';

export const PAYMENT_SCHEME = 'Payment';
export const PAYMENT_METHOD = 'tangle';
/** Characters of one challenge or credential; stops a header from growing without end. */
const MAX_HEADER = 8_192;

const amount = z.string().regex(/^(0|[1-9][0-9]{0,19})$/);

/** What the challenge asks for; travels as base64url of its JCS form. */
export const PAYMENT_REQUEST = z.object({
  amount,
  currency: z.literal('bu'),
  /** Address that the channel must pay. */
  recipient: hex(32),
  suggestedDeposit: amount,
  methodDetails: z.object({
    networkId: amount,
    bondId: hex(32),
    minTtl: z.int().min(0),
    maxTtl: z.int().min(0),
    channelId: hex(34).optional(),
    /** Total of the voucher that pays this on `channelId`. */
    requiredCumulative: amount.optional(),
  }),
});
export type PaymentRequest = z.infer<typeof PAYMENT_REQUEST>;

/** The parameters of a challenge; a credential repeats them, so the server keeps no state. */
export const CHALLENGE = z.strictObject({
  /** HMAC of the server over all other parameters. */
  id: z.string().min(1).max(128),
  realm: z.string().max(256),
  method: z.literal(PAYMENT_METHOD),
  intent: z.enum(['session', 'charge']),
  /** RFC 3339, UTC. */
  expires: z.string().max(32),
  request: z.string().max(4_096),
  /** RFC 9530 digest of the request body that the payment is for. */
  digest: z.string().max(128).optional(),
});
export type Challenge = z.infer<typeof CHALLENGE>;

export const SESSION_PAYLOAD = z.strictObject({
  action: z.enum(['open', 'voucher', 'close']),
  channelId: hex(34),
  cumulativeAmount: amount,
  signature: hex(64),
});
export type SessionPayload = z.infer<typeof SESSION_PAYLOAD>;

export const CREDENTIAL = z.strictObject({ challenge: CHALLENGE, payload: SESSION_PAYLOAD });
export type Credential = z.infer<typeof CREDENTIAL>;

/** What a paid answer says in its `Payment-Receipt` header. */
export const PAYMENT_RECEIPT = z.object({
  status: z.literal('success'),
  method: z.literal(PAYMENT_METHOD),
  /** RFC 3339, UTC. */
  timestamp: z.string().max(32),
  /** Channel id and accepted total: `<hex>:<decimal>`. */
  reference: z.string().max(128),
});
export type PaymentReceipt = z.infer<typeof PAYMENT_RECEIPT>;

/** Base64url of the canonical JSON (RFC 8785) of `value`. */
export function toCompactJson(value: object): string {
  return Buffer.from(canonicalize(value) as string, 'utf8').toString('base64url');
}

/** Reads base64url JSON through `schema`; undefined for anything else. */
export function fromCompactJson<T>(text: string, schema: z.ZodType<T>): T | undefined {
  if (text.length > MAX_HEADER || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** The value of a `WWW-Authenticate` header. Parameter values never hold quotes. */
export function formatChallenge(challenge: Challenge): string {
  const parts = Object.entries(challenge).map(([name, value]) => `${name}="${value}"`);
  return `${PAYMENT_SCHEME} ${parts.join(', ')}`;
}

/** Finds the first `Payment` challenge of a `WWW-Authenticate` header (joined by commas). */
export function parseChallenge(header: string): Challenge | undefined {
  if (header.length > MAX_HEADER) return undefined;
  const start = header.search(/(^|,\s*)Payment\s/i);
  if (start < 0) return undefined;
  const parameters: Record<string, string> = {};
  const text = header.slice(header.indexOf(' ', header.indexOf('Payment', start)) + 1);
  // A parameter is name="value"; another scheme's name is a word without "=" and ends the list.
  const one = /^\s*([a-z]+)="([^"]*)"\s*(,|$)/;
  for (let rest = text; rest.length > 0;) {
    const match = one.exec(rest);
    if (!match) break;
    parameters[match[1] as string] = match[2] as string;
    rest = rest.slice(match[0].length);
  }
  const parsed = CHALLENGE.safeParse(parameters);
  return parsed.success ? parsed.data : undefined;
}

/** The value of an `Authorization` header. */
export function formatCredential(credential: Credential): string {
  return `${PAYMENT_SCHEME} ${toCompactJson(credential)}`;
}

/** Reads an `Authorization` header of this scheme; undefined when it is another or malformed. */
export function parseCredential(header: string): Credential | undefined {
  const [scheme, token, ...rest] = header.trim().split(/\s+/);
  if (scheme?.toLowerCase() !== 'payment' || token === undefined || rest.length > 0) {
    return undefined;
  }
  return fromCompactJson(token, CREDENTIAL);
}
