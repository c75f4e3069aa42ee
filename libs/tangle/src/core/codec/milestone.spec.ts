/** Milestones and certificates: bytes, ids, signed message, one test for each code. */
import { describe, expect, it } from '@jest/globals';
import { MAX_MILESTONE_SIZE } from '../params/limits.ts';
import { nobleHasher } from '../crypto/blake2b.ts';
import {
  bitmapLengthOf,
  decodeCertificate,
  encodeCertificate,
  signedMessage,
  type Certificate,
} from './certificate.ts';
import { bytesToHex, hexToBytes, type BlockId, type MilestoneId } from './ids.ts';
import {
  decodeMilestone,
  decodeMilestoneBody,
  decodeMilestoneHeader,
  encodeMilestone,
  encodeMilestoneBody,
  encodeMilestoneHeader,
  encodeMilestoneOptions,
  MILESTONE_HEADER_SIZE,
  milestoneIdOf,
  optionsRootOf,
  type MilestoneHeader,
} from './milestone.ts';

const root = (byte: number) => new Uint8Array(32).fill(byte);
const header: MilestoneHeader = {
  version: 1,
  epoch: 2,
  index: 3,
  view: 4n,
  timestampMs: 1_700_000_000_000,
  previousId: '99'.repeat(32) as MilestoneId,
  parentsRoot: root(1),
  inclusionRoot: root(2),
  appliedRoot: root(3),
  stateRoot: root(4),
  committeeRoot: root(5),
  optionsRoot: root(6),
};
const HEADER = [
  '01',
  '02000000',
  '03000000',
  '0400000000000000',
  '0068e5cf8b010000',
  '99'.repeat(32),
  ...[1, 2, 3, 4, 5, 6].map((byte) => `0${byte}`.repeat(32)),
].join('');

const certificate: Certificate = {
  kind: 'finalize',
  epoch: 2,
  view: 4n,
  digest: root(7),
  bitmapLength: 2,
  signers: [0, 3, 9],
  signatures: [8, 9, 10].map((byte) => new Uint8Array(64).fill(byte)),
};
const CERTIFICATE_HEAD = '03020000000400000000000000' + '07'.repeat(32);
const SIGNATURES = '08'.repeat(64) + '09'.repeat(64) + '0a'.repeat(64);
const CERTIFICATE = CERTIFICATE_HEAD + '02090203' + SIGNATURES;

const parent = 'aa'.repeat(32);

function bodyCode(hex: string): string {
  const outcome = decodeMilestoneBody(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

function certificateCode(hex: string): string {
  const outcome = decodeCertificate(hexToBytes(hex));
  return outcome.ok ? 'ok' : outcome.code;
}

describe('milestone header', () => {
  it('has its 249 bytes and their hash as id', () => {
    const bytes = encodeMilestoneHeader(header);
    expect(bytes).toHaveLength(MILESTONE_HEADER_SIZE);
    expect(bytesToHex(bytes)).toBe(HEADER);
    expect(decodeMilestoneHeader(bytes)).toEqual({ ok: true, value: header });
    expect(milestoneIdOf(header, nobleHasher)).toBe(bytesToHex(nobleHasher.blake2b256(bytes)));
  });

  it('version-unknown', () => {
    const outcome = decodeMilestoneHeader(hexToBytes(`02${HEADER.slice(2)}`));
    expect(outcome).toMatchObject({ ok: false, code: 'version-unknown' });
  });

  it('number-out-of-range for a time of 2^53 and later', () => {
    const late = HEADER.slice(0, 34) + '0000000000002000' + HEADER.slice(50);
    const outcome = decodeMilestoneHeader(hexToBytes(late));
    expect(outcome).toMatchObject({ ok: false, code: 'number-out-of-range' });
  });

  it('too-large and truncated', () => {
    expect(decodeMilestoneHeader(new Uint8Array(250))).toMatchObject({ code: 'too-large' });
    const short = decodeMilestoneHeader(hexToBytes(HEADER.slice(0, -2)));
    expect(short).toMatchObject({ code: 'truncated' });
  });
});

/** A u16 as it stands on the wire. */
function u16(value: number): string {
  return bytesToHex(Uint8Array.of(value & 0xff, value >> 8));
}

describe('milestone body', () => {
  const body = { parents: [parent as BlockId], options: { powLoadBits: 5 } };

  it('has its bytes', () => {
    const hex = `01${parent}040001010005`;
    expect(bytesToHex(encodeMilestoneBody(body))).toBe(hex);
    expect(decodeMilestoneBody(hexToBytes(hex))).toEqual({ ok: true, value: body });
    const bare = { ...body, options: {} };
    expect(decodeMilestoneBody(encodeMilestoneBody(bare))).toEqual({ ok: true, value: bare });
  });

  it('names a committee behind the load', () => {
    const keys = [new Uint8Array(32).fill(0xaa), new Uint8Array(32).fill(0xbb)];
    const named = { ...body, options: { powLoadBits: 5, nextCommittee: keys } };
    const option = `02410002${'aa'.repeat(32)}${'bb'.repeat(32)}`;
    const hex = `01${parent}480001010005${option}`;
    expect(bytesToHex(encodeMilestoneBody(named))).toBe(hex);
    expect(decodeMilestoneBody(hexToBytes(hex))).toEqual({ ok: true, value: named });
    const many = {
      ...body,
      options: { nextCommittee: Array.from({ length: 32 }, () => keys[0]!) },
    };
    expect(decodeMilestoneBody(encodeMilestoneBody(many))).toEqual({ ok: true, value: many });
    const none = { ...body, options: { nextCommittee: [] } };
    expect(() => encodeMilestoneBody(none)).toThrow('broken');
  });

  it('count-out-of-range, truncated and trailing-bytes of a committee', () => {
    const key = 'aa'.repeat(32);
    const committee = (length: string, count: string, keys: string): string =>
      bodyCode(`01${parent}${u16(4 + keys.length / 2)}02${length}${count}${keys}`);
    expect(committee('2100', '01', key)).toBe('ok');
    expect(committee('0100', '00', '')).toBe('count-out-of-range');
    expect(committee('2100', '00', key)).toBe('count-out-of-range');
    expect(committee('2100', '02', key)).toBe('truncated');
    expect(committee('4100', '01', key + key)).toBe('trailing-bytes');
    expect(committee('2104', '21', key.repeat(33))).toBe('count-out-of-range');
  });

  it('has an options root over the bytes of its options', () => {
    expect(optionsRootOf({}, nobleHasher)).toEqual(nobleHasher.blake2b256(new Uint8Array(0)));
    const bytes = encodeMilestoneOptions(body.options);
    expect(optionsRootOf(body.options, nobleHasher)).toEqual(nobleHasher.blake2b256(bytes));
  });

  it('option-unknown', () => {
    expect(bodyCode(`01${parent}040003010005`)).toBe('option-unknown');
    expect(bodyCode(`01${parent}040000010005`)).toBe('option-unknown');
  });

  it('option-order', () => {
    expect(bodyCode(`01${parent}08000101000501010005`)).toBe('option-order');
    const committee = `02210001${'aa'.repeat(32)}`;
    expect(bodyCode(`01${parent}2800${committee}01010005`)).toBe('option-order');
    expect(bodyCode(`01${parent}4800${committee}${committee}`)).toBe('option-order');
  });

  it('count-out-of-range', () => {
    expect(bodyCode(`00${parent}0000`)).toBe('count-out-of-range');
    expect(bodyCode(`01${parent}0110`)).toBe('count-out-of-range');
    expect(bodyCode(`01${parent}05000102000506`)).toBe('count-out-of-range');
  });

  it('truncated when the options end inside an option', () => {
    expect(bodyCode(`01${parent}030001010005`)).toBe('truncated');
    expect(bodyCode(`01${parent}0500010100`)).toBe('truncated');
  });

  it('parents-not-sorted', () => {
    expect(bodyCode(`02${parent}${parent}0000`)).toBe('parents-not-sorted');
  });
});

describe('certificate', () => {
  it('has its bytes', () => {
    expect(bytesToHex(encodeCertificate(certificate))).toBe(CERTIFICATE);
    expect(decodeCertificate(hexToBytes(CERTIFICATE))).toEqual({ ok: true, value: certificate });
  });

  it('needs one bit for each seat', () => {
    expect([1, 8, 9, 16, 17, 32].map(bitmapLengthOf)).toEqual([1, 1, 2, 2, 3, 4]);
  });

  it('signs domain, network, kind, epoch, view and digest', () => {
    const message = signedMessage(5n, 'notarize', 2, 4n, root(7));
    const rest = '01' + CERTIFICATE_HEAD.slice(2);
    expect(bytesToHex(message)).toBe('544d310500000000000000' + rest);
  });

  it('certificate-kind-unknown', () => {
    expect(certificateCode(`00${CERTIFICATE.slice(2)}`)).toBe('certificate-kind-unknown');
    expect(certificateCode(`04${CERTIFICATE.slice(2)}`)).toBe('certificate-kind-unknown');
  });

  it('not-canonical', () => {
    expect(certificateCode(`${CERTIFICATE_HEAD}02090202${SIGNATURES}`)).toBe('not-canonical');
    expect(certificateCode(`02${CERTIFICATE.slice(2)}`)).toBe('not-canonical');
  });

  it('count-out-of-range', () => {
    expect(certificateCode(`${CERTIFICATE_HEAD}00`)).toBe('count-out-of-range');
    expect(certificateCode(`${CERTIFICATE_HEAD}05`)).toBe('count-out-of-range');
  });

  it('too-large', () => {
    expect(certificateCode('01'.repeat(2_100))).toBe('too-large');
  });

  it('does not encode seats out of order, beyond the bitmap or without a signature', () => {
    const encode = (signers: number[]) => () => encodeCertificate({ ...certificate, signers });
    expect(encode([3, 0, 9])).toThrow('broken');
    expect(encode([0, 3, 16])).toThrow('broken');
    expect(encode([0, 3])).toThrow('broken');
  });
});

describe('milestone', () => {
  it('is header, body and certificate', () => {
    const body = { parents: [parent as BlockId], options: {} };
    const milestone = { header, body, certificate };
    const bytes = encodeMilestone(milestone);
    expect(bytesToHex(bytes)).toBe(`${HEADER}01${parent}0000${CERTIFICATE}`);
    expect(decodeMilestone(bytes)).toEqual({ ok: true, value: milestone });
  });

  it('too-large', () => {
    expect(decodeMilestone(new Uint8Array(MAX_MILESTONE_SIZE + 1))).toMatchObject({
      code: 'too-large',
    });
  });
});
