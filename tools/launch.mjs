// How the commands of apps/*/bin start: with a Node.js that is new enough, and with compiled code kept between runs.
// Runs on any Node.js from 18 on, so that an old one gives a sentence instead of a syntax error.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as nodeModule from 'node:module';

const root = new URL('..', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);
const isNewEnough = major > 24 || (major === 24 && minor >= 15);

/** Runs the built program of `app`; `command` is its name in messages. */
export async function launch(app, command) {
  if (!isNewEnough) return relaunch(command);
  const main = new URL(`dist/apps/${app}/src/main.js`, root);
  if (!existsSync(main)) {
    console.error(
      `${command} is not built yet: run \`npm run build\` in the project folder first.`,
    );
    process.exit(1);
  }
  nodeModule.enableCompileCache();
  await import(main.href);
}

/** Hands over to the Node.js that `npm ci` has put beside the packages. */
function relaunch(command) {
  const pinned = fileURLToPath(
    new URL(`node_modules/.bin/node${process.platform === 'win32' ? '.exe' : ''}`, root),
  );
  if (!existsSync(pinned)) {
    console.error(
      `${command} needs Node.js 24.15 or newer, this is ${process.versions.node}: run \`npm ci\` here first.`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
