/**
 * The text of docs/configuration.md, from the schema. `tangle-node tools config-docs` prints it; a
 * test compares it with the checked-in page.
 */
import { renderSettingsPage } from '@tanglemail/tangle/io/shell/settings-page.ts';
import { NODE_SETTINGS } from './schema.ts';

const EXAMPLE = `{
  "dataDir": "/var/lib/tangle-node",
  "genesisFile": "/etc/tangle-node/genesis.json",
  "api": { "host": "0.0.0.0" },
  "gossip": { "peers": ["/dns4/node.example/tcp/15600/p2p/12D3KooW…"] }
}`;

/** The whole page as Markdown. */
export function renderConfigDocs(): string {
  return renderSettingsPage(NODE_SETTINGS, {
    title: 'Configuration of a node',
    schemaFile: 'apps/node/src/config/schema.ts',
    command: 'tangle-node tools config-docs',
    example: EXAMPLE,
  });
}
