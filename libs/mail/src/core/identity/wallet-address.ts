/**
 * The text form of a ledger address, for people who pay each other: `tw1…`, on test networks
 * `twt1…`. The ledger itself knows only the 32 bytes. Spec: docs/spec/20-identity.md.
 */
import type { Address } from '@tanglemail/tangle/core/codec/ids.ts';
import { addressFromBytes, idToBytes } from '@tanglemail/tangle/core/codec/ids.ts';
import { fail, succeed } from '../outcome.ts';
import type { MailOutcome } from '../outcome.ts';
import type { NetworkKind, TextForm } from './bech32.ts';
import { formatBech32, parseBech32 } from './bech32.ts';

/** Characters of typed text that are looked at. */
const MAX_TEXT = 128;
const FORM: TextForm = { prefixes: { main: 'tw', test: 'twt' }, length: 32 };

/** Writes a ledger address as `tw1…` or `twt1…`. */
export function formatWalletAddress(address: Address, network: NetworkKind): string {
  return formatBech32(FORM, network, idToBytes(address));
}

/** Reads it back; codes as `parseMailAddress`. `network` refuses addresses of the other network. */
export function parseWalletAddress(text: string, network: NetworkKind): MailOutcome<Address> {
  if (text.length > MAX_TEXT) return fail('address-length', `more than ${MAX_TEXT} characters`);
  const parsed = parseBech32(FORM, text.trim());
  if (!parsed.ok) return parsed;
  if (parsed.value.network !== network) {
    return fail('address-network', `an address of the ${parsed.value.network} network`);
  }
  return succeed(addressFromBytes(parsed.value.bytes));
}
