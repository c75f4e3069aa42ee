/**
 * Says in an OpenAPI document what each parameter is, from one table of an API: the same words
 * wherever a parameter comes again. Used by the API folders of node, provider and client.
 */

/** The part of a document that this file reads and completes. */
export interface DescribedDocument {
  readonly paths: Readonly<Record<string, object>>;
}

interface LooseParameter {
  readonly name: string;
  readonly in: string;
  description?: string;
}

/**
 * Words by `blocks/id` (what stands before the parameter in the path), by `outputs?limit` (the last
 * part of the path), or by the name alone; the first that there is.
 */
export type ParameterWords = Readonly<Record<string, string>>;

/** Completes the document that it gets, and gives it. Descriptions that are there stay. */
export function describeParameters<T extends DescribedDocument>(
  document: T,
  words: ParameterWords,
): T {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item) as { parameters?: LooseParameter[] }[]) {
      for (const parameter of operation.parameters ?? []) {
        const found = words[keyOf(path, parameter)] ?? words[parameter.name];
        if (parameter.description === undefined && found !== undefined) {
          parameter.description = found;
        }
      }
    }
  }
  return document;
}

function keyOf(path: string, parameter: LooseParameter): string {
  const parts = path.split('/');
  if (parameter.in !== 'path') return `${parts.at(-1)}?${parameter.name}`;
  return `${parts[parts.indexOf(`{${parameter.name}}`) - 1]}/${parameter.name}`;
}
