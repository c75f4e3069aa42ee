/**
 * Bodies of the routes under /devices. Spec: docs/spec/41-client-api.md, section 25.
 */
import { z } from 'zod';

const count = z.int().min(0);

export const deviceDto = z.object({
  /** 32 hex digits. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  name: z.string().max(64),
  /** It is the one that answers. */
  isOwn: z.boolean(),
  /** It signs the vouchers of the mailboxes. */
  isPaying: z.boolean(),
  isRemoved: z.boolean(),
  /** Two copies of it write: link it anew. */
  isForked: z.boolean(),
});

export const linkDto = z.object({
  /**
   * `waiting` for a device with the code; `compare` the numbers, then confirm; `sending` the
   * archive; `done`; `expired` and `refused` end it.
   */
  state: z.enum(['none', 'waiting', 'compare', 'sending', 'done', 'expired', 'refused']),
  /** What the new device is given; only while it waits. */
  code: z.string().max(256).optional(),
  qr: z.string().max(8_192).optional(),
  expiresAtMs: count.optional(),
  /** Both devices show it: six digits. */
  number: z.string().max(16).optional(),
  /** What the new device calls itself. */
  name: z.string().max(64).optional(),
  /** Blocks of the archive, in all and sent. */
  blockCount: count.optional(),
  sentCount: count.optional(),
});

export const confirmLinkDto = z.strictObject({
  /** The number that both devices show. */
  number: z.string().regex(/^[0-9]{6}$/),
});

export type DeviceDto = z.infer<typeof deviceDto>;
export type LinkDto = z.infer<typeof linkDto>;
export type ConfirmLinkDto = z.infer<typeof confirmLinkDto>;
