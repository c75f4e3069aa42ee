/**
 * How the web client is built: one page, code split by screen, no file of another host. The daemon
 * and the node serve the result from dist/apps/web.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  base: './',
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: here('../../../dist/apps/web'),
    emptyOutDir: true,
    target: 'es2023',
    // The policy of the page allows no fonts and scripts but those in files of our own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
  },
});
