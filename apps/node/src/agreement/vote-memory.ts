/**
 * What a seat said and may not contradict, as its log tells it: pure, so that the simulation has
 * the same memory over a disk of its own.
 * Path: vote-log.ts → here → vote-records.ts. Spec: docs/spec/16-signer.md §2.
 */
import type { Certificate } from '@tanglemail/tangle/core/codec/certificate.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';
import type { SilenceReason } from './seat-memory.ts';
import { VoteError } from './vote-error.ts';
import { isBefore, type Completeness, type Place, type VoteEntry } from './vote-records.ts';

/** Which statement: a seat says one of each kind in a view. */
type Slot = Pick<SignedStatement, 'kind' | 'epoch' | 'view'>;

const BEGINNING: Place = { epoch: 0, view: 0n };

export class VoteMemory {
  /** In the order in which they were said. */
  readonly #statements = new Map<string, SignedStatement>();
  readonly #certificates = new Map<string, Certificate>();
  #completeFrom = BEGINNING;
  #silent: SilenceReason | undefined;
  #hasSpoken = false;

  /** @param entries of a log, in its order. */
  constructor(entries: readonly VoteEntry[]) {
    for (const entry of entries) this.take(entry);
  }

  /** From here on the log holds whatever its seat said, unless the seat is `silent`. */
  get completeFrom(): Place {
    return this.#completeFrom;
  }

  /** Why the seat must not speak. */
  get silent(): SilenceReason | undefined {
    return this.#silent;
  }

  /** False for a log that was made before its key can have said anything, and got nothing since. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** Whether the seat said this. */
  holds(statement: Slot & Pick<SignedStatement, 'digest'>): boolean {
    const said = this.#statements.get(slotKey(statement));
    return said !== undefined && Buffer.compare(said.digest, statement.digest) === 0;
  }

  /** The epoch's statements as they were said; its certificates hang on the first. */
  statementsOf(epoch: number): SignedStatement[] {
    const [first, ...others] = [...this.#statements.values()].filter((one) => one.epoch === epoch);
    if (first === undefined) return [];
    const certificates = [...this.#certificates.values()].filter((one) => one.epoch === epoch);
    return [certificates.length === 0 ? first : { ...first, certificates }, ...others];
  }

  /** Everything that is remembered, in the order of a new file. */
  entries(): VoteEntry[] {
    return [
      this.#completeness(),
      ...[...this.#certificates.values()].map(
        (certificate) => ({ type: 'certificate', certificate }) as const,
      ),
      ...[...this.#statements.values()].map(
        (statement) => ({ type: 'statement', statement }) as const,
      ),
    ];
  }

  /**
   * Remembers statements with what they carry. @returns what of it is new and must reach the disk,
   * in order. Throws VoteError for a contradiction, and remembers nothing of the group then.
   */
  add(statements: readonly SignedStatement[]): VoteEntry[] {
    const group = new Map<string, SignedStatement>();
    for (const statement of statements) {
      this.#checkAgainst(statement, group);
      group.set(slotKey(statement), statement);
    }
    return statements.flatMap((statement) => {
      const entries = this.#entriesOf(statement);
      for (const entry of entries) this.take(entry);
      return entries;
    });
  }

  /** Remembers an entry of the log. */
  take(entry: VoteEntry): void {
    switch (entry.type) {
      case 'statement':
        this.#statements.set(slotKey(entry.statement), entry.statement);
        this.#hasSpoken = true;
        break;
      case 'certificate':
        this.#certificates.set(certificateKey(entry.certificate), entry.certificate);
        break;
      case 'complete':
        this.#completeFrom = entry.from;
        this.#silent = undefined;
        this.#hasSpoken ||= isBefore(BEGINNING, entry.from);
        break;
      case 'silent':
        this.#silent = entry.reason;
        break;
    }
  }

  /** Forgets what lies before `place`. @returns whether that ends an epoch in which it spoke. */
  forget(place: Place): boolean {
    let endsEpoch = false;
    for (const [key, statement] of this.#statements) {
      if (!isBefore(statement, place)) continue;
      this.#statements.delete(key);
      endsEpoch ||= statement.epoch < place.epoch;
    }
    for (const [key, certificate] of this.#certificates) {
      if (isBefore(certificate, place)) this.#certificates.delete(key);
    }
    if (isBefore(this.#completeFrom, place)) this.#completeFrom = place;
    return endsEpoch;
  }

  #completeness(): Completeness {
    if (this.#silent === undefined) return { type: 'complete', from: this.#completeFrom };
    return { type: 'silent', reason: this.#silent };
  }

  #checkAgainst(statement: SignedStatement, group: ReadonlyMap<string, SignedStatement>): void {
    const { kind, epoch, view } = statement;
    const find = (wanted: SignedStatement['kind']): SignedStatement | undefined => {
      const key = slotKey({ kind: wanted, epoch, view });
      return this.#statements.get(key) ?? group.get(key);
    };
    const same = find(kind);
    const isOther = same !== undefined && Buffer.compare(same.digest, statement.digest) !== 0;
    const isOpposite =
      (kind === 'nullify' && find('finalize') !== undefined) ||
      (kind === 'finalize' && find('nullify') !== undefined);
    if (isOther || isOpposite) {
      throw new VoteError(`${kind} in view ${view} of epoch ${epoch} contradicts what was said`);
    }
  }

  #entriesOf(statement: SignedStatement): VoteEntry[] {
    if (this.holds(statement)) return [];
    const { certificates = [], ...said } = statement;
    const isMissing = (one: Certificate): boolean => {
      const isOver = isBefore(one, this.#completeFrom) && this.#silent === undefined;
      return !isOver && !this.#certificates.has(certificateKey(one));
    };
    return [
      ...certificates
        .filter(isMissing)
        .map((certificate) => ({ type: 'certificate', certificate }) as const),
      { type: 'statement', statement: said },
    ];
  }
}

function slotKey({ kind, epoch, view }: Slot): string {
  return `${epoch}/${view}/${kind}`;
}

function certificateKey({ kind, epoch, view, digest }: Certificate): string {
  return `${epoch}/${view}/${kind}/${bytesToHex(digest)}`;
}
