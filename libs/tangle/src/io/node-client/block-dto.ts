/**
 * A block as JSON: for explorers and people. Clients that must be sure decode the bytes instead.
 * Made by json.ts, documented by the node's OpenAPI page. Spec: docs/spec/01-block.md.
 */
import { z } from 'zod';
import { blockId, decimal, hex64, hexBytes, outputDto, outputId, u32 } from './dto.ts';

export const taggedDataJson = z.object({
  kind: z.literal('tagged-data'),
  tag: hexBytes,
  data: hexBytes,
});

const signature = z.string().regex(/^[0-9a-f]{128}$/);

const signedDigestJson = z.object({
  kind: z.enum(['notarize', 'nullify', 'finalize', 'propose', 'ratify']),
  digest: hex64,
  signature,
});

export const unlockJson = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('signature'), publicKey: hex64, signature }),
  z.object({ kind: z.literal('reference'), index: u32 }),
  z.object({
    kind: z.literal('channel-claim'),
    publicKey: hex64,
    signature,
    cumulative: decimal,
    voucherSignature: signature,
  }),
  z.object({
    kind: z.literal('evidence'),
    epoch: u32,
    view: decimal,
    /** Two. */
    statements: z.array(signedDigestJson).length(2),
  }),
]);

export const payloadJson = z.discriminatedUnion('kind', [
  taggedDataJson,
  z.object({ kind: z.literal('envelope'), data: hexBytes }),
  z.object({
    kind: z.literal('transaction'),
    networkId: decimal,
    inputs: z.array(outputId),
    outputs: z.array(outputDto),
    payload: taggedDataJson.nullable(),
    unlocks: z.array(unlockJson),
  }),
]);

export const blockJson = z.object({
  version: u32,
  networkId: decimal,
  parents: z.array(blockId),
  payload: payloadJson.nullable(),
  nonce: decimal,
});

/** `GET blocks/:id` as JSON. */
export const blockDto = z.object({ blockId, bytes: hexBytes, block: blockJson });

export type TaggedDataJson = z.infer<typeof taggedDataJson>;
export type SignedDigestJson = z.infer<typeof signedDigestJson>;
export type UnlockJson = z.infer<typeof unlockJson>;
export type PayloadJson = z.infer<typeof payloadJson>;
export type BlockJson = z.infer<typeof blockJson>;
export type BlockDto = z.infer<typeof blockDto>;
