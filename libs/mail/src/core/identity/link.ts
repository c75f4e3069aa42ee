/**
 * The `tangle:` link of a QR code or a web page: address, a name to suggest, provider hints and an
 * invite secret that gives the first mail exact tags (docs/spec/23-envelope.md).
 * Spec: docs/spec/20-identity.md.
 */
import { base64urlnopad } from '@scure/base';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { ParsedAddress } from './address.ts';
import { formatAddress, parseMailAddress } from './address.ts';
import { isEndpoint, MAX_PROVIDERS } from './descriptor.ts';

/** Characters of a whole link; bounds what a QR code or a hostile page can make a client chew. */
export const MAX_LINK_LENGTH = 1_024;
/** UTF-16 units of a suggested name. */
export const MAX_NAME_LENGTH = 64;
const SCHEME = 'tangle:';

export interface TangleLink extends ParsedAddress {
  /** Suggested, never trusted: a person confirms a petname. No control characters. */
  readonly name?: string;
  /** Endpoints of providers, at most 3, so that a client without a node finds the descriptor. */
  readonly providers: readonly string[];
  /** 32 bytes. Meant for one person: whoever holds it can link the mails that use it. */
  readonly invite?: Uint8Array;
}

/** Writes a link; parameters in the order name, provider, invite. */
export function formatLink(link: TangleLink): string {
  const parts: string[] = [];
  if (link.name !== undefined) parts.push(`name=${encodeURIComponent(link.name)}`);
  for (const one of link.providers) parts.push(`provider=${encodeURIComponent(one)}`);
  if (link.invite !== undefined) parts.push(`invite=${base64urlnopad.encode(link.invite)}`);
  const query = parts.length > 0 ? `?${parts.join('&')}` : '';
  return `${SCHEME}${formatAddress(link)}${query}`;
}

/**
 * Reads a link. Parameters that it does not know are left out; a known one that is written twice or
 * wrongly makes the link invalid (`link-invalid`). Codes of the address as `parseMailAddress`.
 */
export function parseLink(text: string): MailOutcome<TangleLink> {
  if (text.length > MAX_LINK_LENGTH) return fail('link-invalid', 'the link is too long');
  const trimmed = text.trim();
  if (!trimmed.toLowerCase().startsWith(SCHEME)) return fail('link-invalid', 'no tangle: link');
  const rest = trimmed.slice(SCHEME.length);
  const question = rest.indexOf('?');
  const address = parseMailAddress(question < 0 ? rest : rest.slice(0, question));
  if (!address.ok) return address;
  const link: { -readonly [K in keyof TangleLink]: TangleLink[K] } & { providers: string[] } = {
    ...address.value,
    providers: [],
  };
  const query = question < 0 ? '' : rest.slice(question + 1);
  for (const part of query.split('&').filter((one) => one.length > 0)) {
    const wrong = readParameter(link, part);
    if (wrong !== undefined) return fail('link-invalid', wrong);
  }
  return succeed(link);
}

/** Adds one parameter to `link`; the text says what is wrong with it. */
function readParameter(
  link: { name?: string; providers: string[]; invite?: Uint8Array },
  part: string,
): string | undefined {
  const equals = part.indexOf('=');
  const key = equals < 0 ? part : part.slice(0, equals);
  const value = equals < 0 ? '' : decodePercent(part.slice(equals + 1));
  if (key === 'name') {
    if (link.name !== undefined || value === undefined || !isName(value)) return 'name';
    link.name = value;
  } else if (key === 'provider') {
    if (link.providers.length >= MAX_PROVIDERS || value === undefined || !isEndpoint(value)) {
      return 'provider';
    }
    link.providers.push(value);
  } else if (key === 'invite') {
    const invite = value === undefined ? undefined : decodeInvite(value);
    if (link.invite !== undefined || invite === undefined) return 'invite';
    link.invite = invite;
  }
  return undefined;
}

function decodePercent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function decodeInvite(text: string): Uint8Array | undefined {
  if (text.length !== 43) return undefined;
  try {
    return base64urlnopad.decode(text);
  } catch {
    return undefined;
  }
}

function isName(text: string): boolean {
  // Control characters, and those that turn the direction of writing around, could disguise a name.
  const disguise = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;
  return text.length > 0 && text.length <= MAX_NAME_LENGTH && !disguise.test(text);
}
