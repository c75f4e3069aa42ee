/** Ids of gossip messages: topic, network and seed matter. */
import { describe, expect, it } from '@jest/globals';
import { bytesToHex } from '../../core/codec/ids.ts';
import { nobleHasher } from '../../core/crypto/blake2b.ts';
import { createMessageIds, gossipTopics, MESSAGE_ID_LENGTH, syncProtocol } from './message-id.ts';

const topics = gossipTopics(0xabn);
const data = new TextEncoder().encode('tangle');

describe('message ids', () => {
  it('name the network in topics and protocol', () => {
    expect(topics.blocks).toBe('/tanglemail/00000000000000ab/blocks/1');
    expect(topics.milestones).toBe('/tanglemail/00000000000000ab/milestones/1');
    expect(topics.consensus).toBe('/tanglemail/00000000000000ab/consensus/1');
    expect(syncProtocol(0xabn)).toBe('/tanglemail/00000000000000ab/sync/1');
  });

  it('have the worked example of the spec', async () => {
    const ids = await createMessageIds(topics, nobleHasher, 0n);
    expect(bytesToHex(ids.full(topics.blocks, data))).toBe(
      '9c6502650f38f2c3676a2a002e23bb2c7f9335c0',
    );
    expect(bytesToHex(ids.full(topics.consensus, data))).toBe(
      '9d814d5851cf97ef51210f79e8214342c4f9cd8a',
    );
  });

  it('differ by topic and agree between nodes; fast ones differ by seed', async () => {
    const one = await createMessageIds(topics, nobleHasher, 1n);
    const two = await createMessageIds(topics, nobleHasher, 2n);
    expect(one.full(topics.blocks, data)).toHaveLength(MESSAGE_ID_LENGTH);
    expect(one.full(topics.blocks, data)).toEqual(two.full(topics.blocks, data));
    expect(one.full(topics.blocks, data)).not.toEqual(one.full(topics.milestones, data));
    expect(one.full(topics.consensus, data)).not.toEqual(one.full(topics.milestones, data));
    expect(one.fast(topics.blocks, data)).not.toBe(one.fast(topics.milestones, data));
    expect(one.fast(topics.consensus, data)).not.toBe(one.fast(topics.milestones, data));
    expect(one.fast(topics.blocks, data)).not.toBe(two.fast(topics.blocks, data));
    expect(one.fast(topics.blocks, data)).toBe(one.fast(topics.blocks, data.slice()));
  });
});
