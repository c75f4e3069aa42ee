/**
 * What the parameters of the provider's API are, in the words of its OpenAPI page. Before:
 * create-api.ts. Spec: docs/spec/33-provider-api.md.
 */
import type { ParameterWords } from '@tanglemail/tangle/io/shell/describe-parameters.ts';

export const PARAMETER_WORDS: ParameterWords = {
  'mailboxes/id': 'id of the mailbox, 64 hex digits',
  'channels/id': 'id of the channel: that of its output, 68 hex digits',
  root: 'segment-tree root of the object, 64 hex digits',
};
