/**
 * The text of docs/configuration-provider.md, from the schema. `tangle-provider config-docs`
 * prints it; a test compares it with the checked-in page.
 */
import { renderSettingsPage } from '@tanglemail/tangle/io/shell/settings-page.ts';
import { PROVIDER_SETTINGS } from './schema.ts';

const EXAMPLE = `{
  "dataDir": "/var/lib/tangle-provider",
  "keyFile": "/etc/tangle-provider/key.json",
  "genesisFile": "/etc/tangle-provider/genesis.json",
  "api": { "realm": "prov.example" },
  "offer": { "endpoints": ["https://prov.example"] }
}`;

/** The whole page as Markdown. */
export function renderConfigDocs(): string {
  return renderSettingsPage(PROVIDER_SETTINGS, {
    title: 'Configuration of a storage provider',
    schemaFile: 'apps/storage-provider/src/config/schema.ts',
    command: 'tangle-provider config-docs',
    example: EXAMPLE,
  });
}
