#!/usr/bin/env node
// The command `tanglemail`. Keeps the stripped and compiled code between runs, then starts the built program.
import { enableCompileCache } from 'node:module';
import { existsSync } from 'node:fs';

enableCompileCache();
const main = new URL('../../../dist/apps/client/src/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('tanglemail is not built yet: run `npm run build` in the project folder first.');
  process.exit(1);
}
await import(main.href);
