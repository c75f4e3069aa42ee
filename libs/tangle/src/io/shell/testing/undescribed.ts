/** Finds what an OpenAPI document leaves unsaid, for the tests of each API. */
import type { DescribedDocument } from '../describe-parameters.ts';

/** Operations and parameters of which the document says too little: for tests. */
export function undescribed({ paths }: DescribedDocument): string[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, LooseOperation>).flatMap(([method, operation]) =>
      lacksOf(operation).map((what) => `${method} ${path}: ${what}`),
    ),
  );
}

interface LooseOperation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
  readonly responses?: Readonly<Record<string, { readonly description?: string }>>;
}

function lacksOf({ summary, tags, parameters = [], responses = {} }: LooseOperation): string[] {
  const codes = Object.keys(responses);
  return [
    ...((summary ?? '') === '' ? ['summary'] : []),
    ...((tags ?? []).length === 0 ? ['tag'] : []),
    ...(codes.some((code) => /^[12]/.test(code)) ? [] : ['answer']),
    ...(codes.some((code) => /^(?:[45]|default)/.test(code)) ? [] : ['answer to an error']),
    ...codes.filter((code) => (responses[code]?.description ?? '') === ''),
    ...parameters.filter((one) => (one.description ?? '') === '').map((one) => one.name),
  ];
}
