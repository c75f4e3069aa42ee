/**
 * A relay that exchanges the bodies of milestones and proposals on their way. Signatures and
 * certificates cover the header alone, so nothing but the header's roots shows it.
 * Path: `network.ts` → here. Spec: docs/spec/04-milestone.md §4, docs/spec/15-consensus.md §2.
 */
import {
  decodeConsensusMessage,
  encodeConsensusMessage,
} from '@tanglemail/tangle/core/codec/consensus.ts';

import { bytesToHex, ID_LENGTH, type BlockId } from '@tanglemail/tangle/core/codec/ids.ts';
import {
  decodeMilestone,
  encodeMilestone,
  type MilestoneBody,
} from '@tanglemail/tangle/core/codec/milestone.ts';
import type { SimMessage } from './network.ts';
import type { SeededRandom } from './random.ts';

/** The message with another body in it, and what it is called; undefined if it has none. */
export function garble(
  message: SimMessage,
  random: SeededRandom,
): { readonly name: string; readonly message: SimMessage } | undefined {
  if (message.kind === 'consensus') {
    const bytes = garbleProposal(message.bytes, random);
    return bytes && { name: 'garbled-proposal', message: { ...message, bytes } };
  }
  if (message.kind !== 'range' || message.items.length === 0) return undefined;
  const chosen = random.below(message.items.length);
  const items = message.items.map((item, at) =>
    at === chosen ? { ...item, milestone: garbleMilestone(item.milestone, random) } : item,
  );
  return { name: 'garbled-milestone', message: { ...message, items } };
}

function garbleProposal(bytes: Uint8Array, random: SeededRandom): Uint8Array | undefined {
  const decoded = decodeConsensusMessage(bytes);
  if (!decoded.ok || decoded.value.type !== 'proposal') return undefined;
  const { proposal } = decoded.value;
  const body = exchange(proposal.body, random);
  return encodeConsensusMessage({ type: 'proposal', proposal: { ...proposal, body } });
}

function garbleMilestone(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const decoded = decodeMilestone(bytes);
  if (!decoded.ok) throw new Error('nodes send milestones that can be read');
  const { value } = decoded;
  return encodeMilestone({ ...value, body: exchange(value.body, random) });
}

/** Another body of right form: a parent less, an unknown one instead of one, or another option. */
function exchange({ parents, options }: MilestoneBody, random: SeededRandom): MilestoneBody {
  if (random.chance(0.3)) {
    const powLoadBits = (options.powLoadBits ?? 0) + 1;
    return { parents, options: { ...options, powLoadBits } };
  }
  const left = parents.slice(1);
  if (left.length > 0 && random.chance(0.5)) return { parents: left, options };
  const unknown = bytesToHex(random.bytes(ID_LENGTH)) as BlockId;
  return { parents: [...left, unknown].toSorted(), options };
}
