#!/usr/bin/env node
// The command `tangle-provider`. Keeps the stripped and compiled code between runs, then starts the built program.
import { enableCompileCache } from 'node:module';
import { existsSync } from 'node:fs';

enableCompileCache();
const main = new URL('../../../dist/apps/storage-provider/src/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error(
    'tangle-provider is not built yet: run `npm run build` in the project folder first.',
  );
  process.exit(1);
}
await import(main.href);
