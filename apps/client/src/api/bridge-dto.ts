/** The shapes of `bridge`: mail programs. Spec: docs/spec/41-client-api.md §30. */
import { z } from 'zod';

const count = z.int().min(0);

/** What a person calls the program. */
export const newAppPasswordDto = z.strictObject({ name: z.string().trim().min(1).max(64) });

export const appPasswordDto = z.object({
  id: z.string(),
  name: z.string(),
  createdAtMs: count,
  /** Null: never. Written down once an hour. */
  lastUsedMs: count.nullable(),
});

/** A password that was just made: it is told this once. */
export const addedAppPasswordDto = appPasswordDto.extend({ password: z.string() });

export const bridgeDto = z.object({
  /** The name that programs log in with, and the address that they write from. */
  user: z.string(),
  host: z.string(),
  doors: z.array(
    z.object({
      protocol: z.enum(['imap', 'pop3', 'smtp']),
      /** Encrypted from the start, or when the program asks for it. */
      tls: z.enum(['implicit', 'starttls']),
      port: count,
    }),
  ),
  /** SHA-256 of the local authority's certificate. */
  fingerprint: z.string(),
  /** The certificate that programs are told to trust. */
  certPem: z.string(),
  passwords: z.array(appPasswordDto),
});

export type BridgeDto = z.infer<typeof bridgeDto>;
export type AddedAppPasswordDto = z.infer<typeof addedAppPasswordDto>;
