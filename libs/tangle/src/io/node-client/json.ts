/**
 * Wire objects as the JSON that the node's API shows: for explorers and people. Clients that must
 * be sure decode the bytes instead. Used by the node's controllers and its dashboard.
 */
import { bytesToHex } from '../../core/codec/ids.ts';
import type { Block } from '../../core/codec/block.ts';
import type { Output } from '../../core/codec/output.ts';
import type { Payload } from '../../core/codec/payload.ts';
import type { TaggedData } from '../../core/codec/tagged-data.ts';
import type { SignedDigest, Unlock } from '../../core/codec/unlock.ts';
import type {
  BlockJson,
  PayloadJson,
  SignedDigestJson,
  TaggedDataJson,
  UnlockJson,
} from './block-dto.ts';
import type { OutputDto } from './dto.ts';

export function outputToJson(output: Output): OutputDto {
  if (output.kind === 'channel') {
    const { amount, payerPublicKey, ...rest } = output;
    return { ...rest, amount: `${amount}`, payerPublicKey: bytesToHex(payerPublicKey) };
  }
  if (output.kind === 'validator-bond') {
    const { amount, publicKey, ...rest } = output;
    return { ...rest, amount: `${amount}`, publicKey: bytesToHex(publicKey) };
  }
  const { amount, tag, ...rest } = output;
  const json: OutputDto = { ...rest, amount: `${amount}` };
  if (tag !== undefined) json.tag = bytesToHex(tag);
  return json;
}

export function blockToJson(block: Block): BlockJson {
  return {
    version: block.version,
    networkId: `${block.networkId}`,
    parents: [...block.parents],
    payload: block.payload === null ? null : payloadToJson(block.payload),
    nonce: `${block.nonce}`,
  };
}

export function payloadToJson(payload: Payload): PayloadJson {
  switch (payload.kind) {
    case 'tagged-data':
      return taggedDataToJson(payload);
    case 'envelope':
      return { kind: 'envelope', data: bytesToHex(payload.bytes) };
    default:
      return {
        kind: 'transaction',
        networkId: `${payload.networkId}`,
        inputs: [...payload.inputs],
        outputs: payload.outputs.map(outputToJson),
        payload: payload.payload === null ? null : taggedDataToJson(payload.payload),
        unlocks: payload.unlocks.map(unlockToJson),
      };
  }
}

function taggedDataToJson({ tag, data }: TaggedData): TaggedDataJson {
  return { kind: 'tagged-data', tag: bytesToHex(tag), data: bytesToHex(data) };
}

function signedDigestToJson({ kind, digest, signature }: SignedDigest): SignedDigestJson {
  return { kind, digest: bytesToHex(digest), signature: bytesToHex(signature) };
}

function unlockToJson(unlock: Unlock): UnlockJson {
  if (unlock.kind === 'reference') return { kind: 'reference', index: unlock.index };
  if (unlock.kind === 'evidence') {
    const { kind, epoch, view, statements } = unlock;
    return { kind, epoch, view: `${view}`, statements: statements.map(signedDigestToJson) };
  }
  const publicKey = bytesToHex(unlock.publicKey);
  const signature = bytesToHex(unlock.signature);
  if (unlock.kind === 'signature') return { kind: 'signature', publicKey, signature };
  return {
    kind: 'channel-claim',
    publicKey,
    signature,
    cumulative: `${unlock.cumulative}`,
    voucherSignature: bytesToHex(unlock.voucherSignature),
  };
}
