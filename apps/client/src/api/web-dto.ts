/**
 * The JSON of pages in a browser. Spec: docs/spec/41-client-api.md, "Pages".
 */
import { z } from 'zod';

export const webSessionDto = z.object({
  /** Goes into the header `Tanglemail-Page` of every request; base64url. */
  pageKey: z.string().max(64),
});

export type WebSessionDto = z.infer<typeof webSessionDto>;

/** `isDark`: the page that the frame stands in is. */
export const showBodyDto = z.strictObject({ isDark: z.boolean().default(false) });

export const bodyPlaceDto = z.object({
  /** Path that a frame of this browser may load, once, within five minutes. */
  url: z.string().max(256),
  /** Pictures of other hosts, which are not loaded. */
  blockedImages: z.int().min(0),
  /** It stands on white paper, because it chooses colours itself. */
  hasColours: z.boolean(),
  /** What is behind the first 1,048,576 characters is left out. */
  isCut: z.boolean(),
});

export type BodyPlaceDto = z.infer<typeof bodyPlaceDto>;
