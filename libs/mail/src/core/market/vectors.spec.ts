import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { OutputId } from '@tanglemail/tangle/core/codec/ids.ts';
import { voucherMessage } from '@tanglemail/tangle/core/codec/voucher.ts';
import { readFileSync } from 'node:fs';
import { chainHash, encodeLogEntry, logHeadMessage } from './mailbox-log.ts';
import { encodeOffer, offerMessage, signOffer } from './offer.ts';
import { encodeReceipt, receiptMessage, signReceipt } from './receipt.ts';
import { proveSegments, segmentRoot } from './segment-tree.ts';
import {
  closeMessage,
  loginMessage,
  mailboxIdOf,
  mailboxMessage,
  releaseMessage,
  snapshotMessage,
} from './signed-requests.ts';
import {
  BOND_PUBLIC_KEY,
  BOND_SECRET_KEY,
  NETWORK_ID,
  NOW,
  OFFER_FIELDS,
} from './testing/offer-example.ts';

const VECTORS = JSON.parse(
  readFileSync(new URL('../../../../../test/vectors/market.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;

const SCOPE = { networkId: NETWORK_ID, bondId: BOND_PUBLIC_KEY };
const CHANNEL_ID = `${'11'.repeat(32)}0000` as OutputId;
const ROOT = segmentRoot(new Uint8Array(1_020).fill(1));

describe('golden bytes', () => {
  it('of segment trees', () => {
    const bytes = Uint8Array.from({ length: 2_500 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
    const siblings = proveSegments(bytes, 1, 1).siblings.map(bytesToHex);
    const root = bytesToHex(segmentRoot(bytes));
    expect(VECTORS['segmentTree']).toMatchObject({ root, proofOfSegment1: { siblings } });
  });

  it('of offers', () => {
    const offer = signOffer(OFFER_FIELDS, BOND_SECRET_KEY);
    const message = bytesToHex(offerMessage(offer));
    expect(VECTORS['offer']).toEqual({ message, bytes: bytesToHex(encodeOffer(offer)) });
  });

  it('of receipts', () => {
    const fields = {
      networkId: NETWORK_ID,
      bondId: BOND_PUBLIC_KEY,
      root: ROOT,
      size: 1_020,
      until: NOW + 30 * 86_400,
      penalty: 1_000n,
      challengeDeposit: 1_000n,
      releasePublicKey: new Uint8Array(32).fill(3),
    };
    const bytes = bytesToHex(encodeReceipt(signReceipt(fields, BOND_SECRET_KEY)));
    expect(VECTORS['receipt']).toEqual({ message: bytesToHex(receiptMessage(fields)), bytes });
  });

  it('of logs', () => {
    const root = new Uint8Array(32).fill(0x11);
    const fields = { seq: 0, root, size: 20_480, milestoneTime: NOW, cost: 8 };
    const entry = encodeLogEntry({ ...fields, state: 'stored' });
    const headHash = chainHash(new Uint8Array(32), entry);
    const mailboxId = mailboxIdOf(new Uint8Array(32).fill(3));
    const head = { mailboxId, length: 1, headHash, time: NOW };
    expect(VECTORS['log']).toEqual({
      entry: bytesToHex(entry),
      chainHash: bytesToHex(headHash),
      headMessage: bytesToHex(logHeadMessage(NETWORK_ID, BOND_PUBLIC_KEY, head)),
    });
  });

  it('of everything that is signed', () => {
    const mailboxId = mailboxIdOf(new Uint8Array(32).fill(3));
    const nonce = new Uint8Array(32).fill(9);
    expect(VECTORS['messages']).toEqual({
      mailboxId,
      mailbox: bytesToHex(mailboxMessage(SCOPE, mailboxId)),
      login: bytesToHex(loginMessage(SCOPE, mailboxId, nonce)),
      release: bytesToHex(releaseMessage(SCOPE, ROOT)),
      snapshot: bytesToHex(snapshotMessage(SCOPE, CHANNEL_ID, NOW)),
      close: bytesToHex(closeMessage(SCOPE, CHANNEL_ID)),
      voucher: bytesToHex(voucherMessage(NETWORK_ID, CHANNEL_ID, 1_000n)),
    });
  });
});
