// Makes `npm start` and `npm test` work right after a clone, on any Node.js from 18 on.
// Before them: installs the packages if that was never done. After an install: where this machine's Node.js is older
// than jest and libp2p need, a pinned one from the npm registry goes into node_modules/.bin, which npm puts first on
// the PATH of every script. Nothing outside this folder is touched.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const event = process.env.npm_lifecycle_event;

function npm(...args) {
  const run = spawnSync(process.execPath, [process.env.npm_execpath, ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (run.status !== 0) process.exit(run.status ?? 1);
}

if (event !== 'postinstall' && !existsSync(join(root, 'node_modules', '.package-lock.json'))) {
  npm('ci'); // its postinstall comes here again
} else {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 24 || (major === 24 && minor < 15)) pinNode();
}

function pinNode() {
  const here = join(root, 'tools', 'node');
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  npm('ci', '--prefix', here);
  const packages = join(here, 'node_modules');
  const found =
    existsSync(packages) && readdirSync(packages).find((entry) => entry.startsWith('node-'));
  if (!found) {
    console.error(
      `Node.js >= 24.15 is needed, and none is pinned for ${process.platform}-${process.arch}: install it.`,
    );
    process.exit(1);
  }
  const to = join(root, 'node_modules', '.bin', name);
  mkdirSync(dirname(to), { recursive: true });
  rmSync(to, { force: true });
  try {
    linkSync(join(packages, found, 'bin', name), to);
  } catch {
    copyFileSync(join(packages, found, 'bin', name), to);
  }
  console.log(
    `Node.js ${process.version} is older than 24.15: the scripts here use ${found} from tools/node`,
  );
}
