/**
 * The JSON of pages in a browser. Spec: docs/spec/41-client-api.md, "Pages".
 */
import { z } from 'zod';

export const webSessionDto = z.object({
  /** Goes into the header `Tanglemail-Page` of every request; base64url. */
  pageKey: z.string().max(64),
});

export type WebSessionDto = z.infer<typeof webSessionDto>;
