/**
 * The text of docs/configuration.md, from the schema. `tangle-node tools config-docs` prints it; a
 * test compares it with the checked-in page.
 */
import { CONFIG_LEAVES, ENV_PREFIX, type Leaf } from './leaves.ts';

const HEAD = `# Configuration of a node

This page is generated from \`apps/node/src/config/schema.ts\`; change it there, then run
\`tangle-node tools config-docs > docs/configuration.md\`. A test compares the two.

A setting comes from the command line, else from the environment, else from the file that
\`--config\` (or \`${ENV_PREFIX}CONFIG\`) names, else it has its default. The file is JSON,
nested as the keys below are by dots; a key that does not exist or a value that does not fit stops
the start with a message that names both. Lists outside the file are written with commas, or by
giving the flag several times. Paths are relative to the folder that the program was started in.

\`\`\`json
{
  "dataDir": "/var/lib/tangle-node",
  "genesisFile": "/etc/tangle-node/genesis.json",
  "api": { "host": "0.0.0.0" },
  "gossip": { "peers": ["/dns4/node.example/tcp/15600/p2p/12D3KooW…"] }
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
