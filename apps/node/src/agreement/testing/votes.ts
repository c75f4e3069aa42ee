/** What seats say, for tests of their memory. */
import type {
  Certificate,
  CertificateKind,
  StatementKind,
} from '@tanglemail/tangle/core/codec/certificate.ts';
import type { Proposal } from '@tanglemail/tangle/core/codec/consensus.ts';
import type { BlockId, MilestoneId } from '@tanglemail/tangle/core/codec/ids.ts';
import type { MilestoneHeader } from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SignedStatement } from '@tanglemail/tangle/core/consensus/actions.ts';

const ROOT = new Uint8Array(32);

export const OWNER = { networkId: 7n, publicKey: new Uint8Array(32).fill(9) };

export function headerOf(view: bigint, more: Partial<MilestoneHeader> = {}): MilestoneHeader {
  return {
    version: 1,
    epoch: 0,
    index: 1,
    view,
    timestampMs: 10,
    previousId: '00'.repeat(32) as MilestoneId,
    parentsRoot: ROOT,
    inclusionRoot: ROOT,
    appliedRoot: ROOT,
    stateRoot: ROOT,
    committeeRoot: ROOT,
    optionsRoot: ROOT,
    ...more,
  };
}

/** A digest; zero for `nullify`. */
function digestOf(kind: StatementKind, byte: number): Uint8Array {
  return new Uint8Array(32).fill(kind === 'nullify' ? 0 : byte);
}

export function statement(
  kind: StatementKind,
  view: bigint,
  more: Partial<SignedStatement> & { readonly byte?: number } = {},
): SignedStatement {
  const { byte = 1, ...fields } = more;
  return { kind, epoch: 0, view, digest: digestOf(kind, byte), ...fields };
}

export function proposal(view: bigint, parents = 1): Proposal {
  const ids = Array.from({ length: parents }, (_, at) => at.toString(16).padStart(64, '0'));
  return {
    epoch: 0,
    view,
    header: headerOf(view),
    body: { parents: ids as BlockId[], options: {} },
    signature: new Uint8Array(64).fill(3),
  };
}

export function certificate(
  kind: CertificateKind,
  view: bigint,
  { epoch = 0, signers = [0, 1, 2] }: { epoch?: number; signers?: readonly number[] } = {},
): Certificate {
  const signatures = signers.map((seat) => new Uint8Array(64).fill(seat));
  return { kind, epoch, view, digest: digestOf(kind, 1), bitmapLength: 1, signers, signatures };
}
