/**
 * The text form of a ledger address, for people who pay each other: `tw1…`, on test networks
 * `twt1…`. The ledger itself knows only the 32 bytes. Before: a person, through client, faucet or
 * command line; after: codec/output.ts. Spec: docs/spec/02-transaction.md, section "Address text".
 */
import { fail, succeed } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { NetworkKind } from '../params/networks.ts';
import type { TextForm } from './bech32.ts';
import { formatBech32, parseBech32 } from './bech32.ts';
import { addressFromBytes, idToBytes, parseAddress } from './ids.ts';
import type { Address } from './ids.ts';

/** Characters of typed text that are looked at. */
const MAX_TEXT = 128;
const FORM: TextForm = { prefixes: { main: 'tw', test: 'twt' }, length: 32 };

/** Writes a ledger address as `tw1…` or `twt1…`. */
export function formatWalletAddress(address: Address, network: NetworkKind): string {
  return formatBech32(FORM, network, idToBytes(address));
}

/**
 * Reads it back, white space around it ignored. Codes as `parseBech32`, and `address-network` for
 * an address of the other kind of network.
 */
export function parseWalletAddress(text: string, network: NetworkKind): Outcome<Address> {
  if (text.length > MAX_TEXT) return fail('address-length', `more than ${MAX_TEXT} characters`);
  const parsed = parseBech32(FORM, text.trim());
  if (!parsed.ok) return parsed;
  const found = parsed.value.network;
  if (found !== network) {
    const [is, should] = [FORM.prefixes[found], FORM.prefixes[network]];
    return fail('address-network', `${is}1 is for other networks; this one has ${should}1`);
  }
  return succeed(addressFromBytes(parsed.value.bytes));
}

/** Reads an address in either form: 64 lowercase hex digits, or text as `parseWalletAddress`. */
export function readAddress(text: string, network: NetworkKind): Outcome<Address> {
  if (text.length > MAX_TEXT) return fail('address-length', `more than ${MAX_TEXT} characters`);
  const plain = parseAddress(text.trim());
  if (plain !== undefined) return succeed(plain);
  const parsed = parseWalletAddress(text, network);
  if (parsed.ok || parsed.code !== 'address-prefix') return parsed;
  const prefix = FORM.prefixes[network];
  return fail('address-prefix', `expected ${prefix}1 and so on, or 64 lowercase hex digits`);
}
