/**
 * What the parameters of the node's API are, in the words of its OpenAPI page. Before: openapi.ts.
 * Spec: docs/spec/11-node-api.md.
 */
import type { ParameterWords } from '@tanglemail/tangle/io/shell/describe-parameters.ts';

const ADDRESS = 'address: tw1… or twt1…, or 64 hex digits';

export const PARAMETER_WORDS: ParameterWords = {
  'peers/id': 'peer id, as libp2p writes it',
  'blocks/id': 'id of a block, 64 hex digits',
  'transactions/id': 'id of a transaction, 64 hex digits',
  'outputs/id': 'id of an output, 68 hex digits: transaction and index',
  'bans/id': 'peer id, as libp2p writes it',
  'by-id/id': 'id of a milestone, 64 hex digits',
  'blocks?kind': 'only blocks with this payload',
  'outputs?kind': 'only outputs of this kind',
  address: ADDRESS,
  payee: `of channels: who is paid; ${ADDRESS}`,
  refundAddress: `of channels: who gets back what is left; ${ADDRESS}`,
  returnAddress: `of outputs that expire: to whom they return; ${ADDRESS}`,
  bondOwner: `of bonds: who may withdraw them; ${ADDRESS}`,
  index: 'index of a milestone',
  kind: 'only of this kind',
  unspent: 'true: unspent ones only; false: also spent ones, as far as they are not pruned',
  hasTimelock: 'true: only with a time before which they cannot be spent; false: only without',
  hasExpiration: 'true: only with a time after which they return; false: only without',
  limit: 'how many at most',
  cursor: 'where the page before this one ended: its `cursor`',
};
