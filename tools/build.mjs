// Builds what cannot run as it stands: the proof-of-work loop (AssemblyScript to WebAssembly) and the apps, whose Nest
// decorators Node's type stripping does not know, and the pages of the web client (Vite). The libraries run from their
// TypeScript sources.
// Skips a part whose inputs have not changed since its last build, so that a second `npm start` begins at once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(root, 'node_modules', '.bin', name);

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.error) console.error(`build: ${command} did not start: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function files(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  const entries = readdirSync(full, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

/** Runs `build` when the content of `inputs` differs from what the stamp in `outDir` says. */
function buildWhenChanged(outDir, inputs, build) {
  const hash = createHash('sha256');
  for (const file of inputs) hash.update(file).update(readFileSync(file));
  const digest = hash.digest('hex');
  const stamp = join(root, outDir, '.inputs');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  rmSync(join(root, outDir), { recursive: true, force: true });
  mkdirSync(join(root, outDir), { recursive: true });
  build();
  writeFileSync(stamp, digest);
}

const config = [
  'tools/build.mjs',
  'package-lock.json',
  '.swcrc',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const settings = config.map((file) => join(root, file));

buildWhenChanged('libs/tangle/build', [...settings, ...files('libs/tangle/wasm')], () => {
  const options = ['-O3', '--runtime', 'stub', '--noAssert', '--enable', 'simd'];
  for (const name of ['pow', 'blake2b']) {
    run(bin('asc'), [
      `libs/tangle/wasm/${name}.ts`,
      '-o',
      `libs/tangle/build/${name}.wasm`,
      ...options,
    ]);
  }
});
for (const app of ['node', 'storage-provider', 'client']) {
  const inputs = [...settings, ...files(`apps/${app}/src`)];
  buildWhenChanged(`dist/apps/${app}`, inputs, () => run(bin('nest'), ['build', app]));
}

// The pages take types from the client and, to check proofs, rules from the libraries' cores.
const pages = [
  ...files('apps/client/web'),
  ...files('libs/tangle/src/core'),
  ...files('libs/tangle/src/io/node-client'),
];
buildWhenChanged('dist/apps/web', [...settings, ...pages], () =>
  run(bin('vite'), ['build', '--config', 'apps/client/web/vite.config.ts', '--logLevel', 'error']),
);
