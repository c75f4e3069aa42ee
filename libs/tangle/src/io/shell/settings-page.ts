/**
 * The Markdown page of all settings of a program, from its schema. A command of the program prints
 * it; a test of the program compares it with the checked-in page. Path: settings.ts → here.
 */
import type { Leaf } from './leaves.ts';
import { fileVariableOf, type Settings } from './settings.ts';

/** What the page says besides the settings. */
export interface SettingsPage {
  /** Heading: "Configuration of a node". */
  readonly title: string;
  /** File of the schema, from the project's root. */
  readonly schemaFile: string;
  /** The command that prints the page. */
  readonly command: string;
  /** Where values come from, when it is not the usual; no line end. */
  readonly sources?: string;
  /** A configuration file, as an object. */
  readonly example: string;
}

function usualSources(settings: Settings): string {
  return `A setting comes from the command line, else from the environment, else from the file that
\`--config\` (or \`${fileVariableOf(settings)}\`) names, else it has its default. The file is JSON,
nested as the keys below are by dots; a key that does not exist or a value that does not fit stops
the start with a message that names both. Lists outside the file are written with commas, or by
giving the flag several times. Paths are relative to the folder that the program was started in.`;
}

function show(leaf: Leaf): string {
  if (leaf.default === undefined) return 'not set';
  return `\`${JSON.stringify(leaf.default)}\``;
}

function entry(leaf: Leaf): string {
  return [
    `### ${leaf.key}`,
    '',
    leaf.description,
    '',
    `- Values: ${leaf.expected}`,
    `- Default: ${show(leaf)}`,
    `- Flag: \`${leaf.flag}\`, environment: \`${leaf.variable}\``,
    '',
  ].join('\n');
}

function head(settings: Settings, page: SettingsPage): string {
  return `# ${page.title}

This page is generated from \`${page.schemaFile}\`; change it there, then run
\`${page.command} > ${settings.page}\`. A test compares the two.

${page.sources ?? usualSources(settings)}

\`\`\`json
${page.example}
\`\`\`
`;
}

/** The whole page as Markdown. */
export function renderSettingsPage(settings: Settings, page: SettingsPage): string {
  const sections = new Map<string, Leaf[]>();
  for (const leaf of settings.leaves) {
    const name = leaf.key.includes('.') ? leaf.key.slice(0, leaf.key.indexOf('.')) : 'General';
    sections.set(name, [...(sections.get(name) ?? []), leaf]);
  }
  const body = [...sections].map(
    ([name, leaves]) => `## ${name}\n\n${leaves.map((leaf) => entry(leaf)).join('\n')}`,
  );
  return `${head(settings, page)}\n${body.join('\n')}`;
}
