/**
 * Conflict codes: why a transaction that a milestone references did not change the ledger. The
 * numbers reach the disk and the API and are never reused. Path: `milestone/rules.ts` →
 * `ledger/apply-milestone.ts` → here. Spec: docs/spec/08-ledger.md.
 */

/** The closed table: code (u8) ↔ name ↔ the section of docs/spec/08-ledger.md that has the rule. */
export const CONFLICT = {
  none: { code: 0, section: '3' },
  'input-spent-earlier': { code: 1, section: '3.1' },
  'input-spent-in-milestone': { code: 2, section: '3.1' },
  'input-unknown': { code: 3, section: '3.1' },
  'sums-differ': { code: 4, section: '3.2' },
  'signature-invalid': { code: 5, section: '3.6' },
  timelocked: { code: 6, section: '3.3' },
  'unlock-mismatch': { code: 7, section: '3.3' },
  'channel-expired': { code: 8, section: '3.4' },
  'channel-not-expired': { code: 9, section: '3.4' },
  'claim-out-of-range': { code: 10, section: '3.4' },
  'refund-missing': { code: 11, section: '3.5' },
  'channel-expiry-past': { code: 12, section: '3.5' },
  'bond-unbonding-early': { code: 13, section: '3.5' },
  'bond-locked': { code: 14, section: '3.7' },
  'burn-missing': { code: 15, section: '3.7' },
} as const satisfies Record<string, { code: number; section: string }>;

export type ConflictName = keyof typeof CONFLICT;
export type ConflictCode = (typeof CONFLICT)[ConflictName]['code'];

const NAME_OF = new Map<number, ConflictName>(
  Object.entries(CONFLICT).map(([name, { code }]) => [code, name as ConflictName]),
);

/** The code of a name; reads better than a number where a rule fails. */
export function conflict(name: ConflictName): ConflictCode {
  return CONFLICT[name].code;
}

/** The name of a stored code; undefined for a number that the table does not have. */
export function conflictName(code: number): ConflictName | undefined {
  return NAME_OF.get(code);
}
