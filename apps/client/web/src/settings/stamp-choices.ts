/** Which amounts of work the settings offer to ask of strangers. */

/** Bits that have words; each one more is twice the work. */
export const STAMP_BITS = ['0', '16', '20', '22', '24'] as const;
export type StampBits = (typeof STAMP_BITS)[number];

export interface StampOption {
  readonly id: string;
  readonly text: string;
}

/** The offered ones, and what is set now if it is none of them. */
export function stampOptions(
  present: number,
  words: Readonly<Record<StampBits, string>>,
  ownText: string,
): readonly StampOption[] {
  const offered = STAMP_BITS.map((id) => ({ id, text: words[id] }));
  const isOffered = offered.some(({ id }) => Number(id) === present);
  const all = isOffered ? offered : [...offered, { id: `${present}`, text: ownText }];
  return all.toSorted((a, b) => Number(a.id) - Number(b.id));
}
