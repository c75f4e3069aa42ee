/**
 * The text of docs/configuration-client.md, from the schema. `tanglemail config-docs` prints it; a
 * test compares it with the checked-in page.
 */
import { CONFIG_LEAVES, ENV_PREFIX, type Leaf } from './leaves.ts';

const HEAD = `# Configuration of the client

This page is generated from \`apps/client/src/config/schema.ts\`; change it there, then run
\`tanglemail config-docs > docs/configuration-client.md\`. A test compares the two.

A setting of \`tanglemail daemon\` comes from the command line, else from the environment, else from
the file that \`--config\` (or \`${ENV_PREFIX}CONFIG\`) names, or without one from \`config.json\` in the
data folder, which \`tanglemail account create\` writes; else it has its default. The file is JSON,
nested as the keys below are by dots; a key that does not exist or a value that does not fit stops the
start with a message that names both. Paths are relative to the folder that the program was started
in. The passphrase itself may stand in \`${ENV_PREFIX}PASSPHRASE\`; it is never a flag, because flags
are shown to every user of the machine.

\`\`\`json
{
  "node": { "url": "http://127.0.0.1:14265" },
  "pollIntervalMs": 5000,
  "provider": { "maxPricePerMonth": "200000" }
}
\`\`\`
`;

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

/** The whole page as Markdown. */
export function renderConfigDocs(): string {
  const sections = new Map<string, Leaf[]>();
  for (const leaf of CONFIG_LEAVES) {
    const name = leaf.key.includes('.') ? leaf.key.slice(0, leaf.key.indexOf('.')) : 'General';
    sections.set(name, [...(sections.get(name) ?? []), leaf]);
  }
  const body = [...sections].map(
    ([name, leaves]) => `## ${name}\n\n${leaves.map((leaf) => entry(leaf)).join('\n')}`,
  );
  return `${HEAD}\n${body.join('\n')}`;
}
