/**
 * The text of docs/configuration-client.md, from the schema. `tanglemail config-docs` prints it; a
 * test compares it with the checked-in page.
 */
import { renderSettingsPage } from '@tanglemail/tangle/io/shell/settings-page.ts';
import { CLIENT_SETTINGS } from './schema.ts';

const SOURCES = `A setting of \`tanglemail daemon\` comes from the command line, else from the
environment, else from the file that \`--config\` (or \`TANGLEMAIL_CONFIG\`) names, or without one
from \`config.json\` in the data folder, which \`tanglemail account create\` writes; else it has its
default. The file is JSON, nested as the keys below are by dots; a key that does not exist or a
value that does not fit stops the start with a message that names both. Paths are relative to the
folder that the program was started in. The passphrase itself may stand in
\`TANGLEMAIL_PASSPHRASE\`; it is never a flag, because flags are shown to every user of the
machine.`;

const EXAMPLE = `{
  "node": { "url": "http://127.0.0.1:14265" },
  "pollIntervalMs": 5000,
  "provider": { "maxPricePerMonth": "200000" }
}`;

/** The whole page as Markdown. */
export function renderConfigDocs(): string {
  return renderSettingsPage(CLIENT_SETTINGS, {
    title: 'Configuration of the client',
    schemaFile: 'apps/client/src/config/schema.ts',
    command: 'tanglemail config-docs',
    sources: SOURCES,
    example: EXAMPLE,
  });
}
