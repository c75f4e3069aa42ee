/**
 * What our seat has signed and may still sign. It says nothing twice, nothing that contradicts what
 * it said, and nothing where its log may have a hole. Path: `simplex.ts`.
 * Spec: docs/spec/15-consensus.md §5.
 */
import type { Certificate, StatementKind } from '../codec/certificate.ts';
import type { MilestoneId } from '../codec/ids.ts';
import type { SignedStatement, SimplexOptions } from './actions.ts';
import type { Outbox } from './outbox.ts';
import { digestId } from './round.ts';
import type { Views } from './views.ts';

const NO_DIGEST = new Uint8Array(32);

export class Voter {
  readonly #options: Pick<SimplexOptions, 'seat' | 'epoch' | 'silentBelow'>;
  readonly #views: Views;
  readonly #outbox: Outbox;
  readonly #ratified = new Set<MilestoneId>();
  /** Known, and not known to be in the log. */
  readonly #unwritten = new Set<Certificate>();

  constructor(
    options: Pick<SimplexOptions, 'seat' | 'epoch' | 'silentBelow'>,
    views: Views,
    outbox: Outbox,
  ) {
    this.#options = options;
    this.#views = views;
    this.#outbox = outbox;
  }

  /** Whether this seat speaks in `view` at all. */
  speaksIn(view: bigint): boolean {
    const { seat, silentBelow = 0n } = this.#options;
    return seat !== undefined && view >= silentBelow;
  }

  /** Takes over what the vote log holds. */
  remember({ kind, view, digest }: SignedStatement): void {
    const id = digestId({ digest });
    if (kind === 'ratify') this.#ratified.add(id);
    else if (kind === 'nullify') this.#views.round(view).own.nullify = true;
    else this.#views.round(view).own[kind] = id;
  }

  /** A certificate came: the next statement takes it to the log. */
  learn(certificate: Certificate): void {
    if (this.#options.seat !== undefined) this.#unwritten.add(certificate);
  }

  /** The statement is in the log, with what it carries. */
  onWritten({ certificates = [] }: SignedStatement): void {
    for (const certificate of certificates) this.#unwritten.delete(certificate);
  }

  /** Asks for a signature, unless this seat must not or need not say it. */
  say(kind: StatementKind, view: bigint, digest: Uint8Array = NO_DIGEST): void {
    // A milestone that is final stays so: saying it once more contradicts nothing.
    const speaks = kind === 'ratify' ? this.#options.seat !== undefined : this.speaksIn(view);
    if (!speaks || !this.#isFree(kind, view, digest)) return;
    const { epoch } = this.#options;
    const known = kind === 'notarize' ? this.#views.round(view).proposal : undefined;
    const certificates = this.#takeUnwritten();
    const statement: SignedStatement = {
      kind,
      epoch,
      view,
      digest,
      ...(known === undefined ? {} : { proposal: known.proposal }),
      ...(certificates.length === 0 ? {} : { certificates }),
    };
    this.remember(statement);
    this.#outbox.push({ do: 'sign', statement });
  }

  /** Statements may reach the disk in any order: each takes all, until one is there. */
  #takeUnwritten(): Certificate[] {
    for (const certificate of this.#unwritten) {
      if (certificate.view <= this.#views.baseView) this.#unwritten.delete(certificate);
    }
    return [...this.#unwritten];
  }

  #isFree(kind: StatementKind, view: bigint, digest: Uint8Array): boolean {
    if (kind === 'ratify') return !this.#ratified.has(digestId({ digest }));
    const { own } = this.#views.round(view);
    if (own[kind] !== undefined) return false;
    if (kind === 'finalize') return own.nullify === undefined;
    return kind !== 'nullify' || own.finalize === undefined;
  }
}
