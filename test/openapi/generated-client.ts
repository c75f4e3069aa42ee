/**
 * A client that a stranger would generate from our OpenAPI document: made in a temporary folder,
 * type-checked with a small program that uses it for the main job, and run against a node.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('main-job.txt', import.meta.url));

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    module: 'nodenext',
    lib: ['es2024', 'dom', 'dom.iterable'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  },
  include: ['*.ts'],
};

/** Generates the client for a document and gives the folder, which the caller removes. */
export async function generateClient(document: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tangle-openapi-'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'document.json'), JSON.stringify(document));
  const config = {
    input: join(folder, 'document.json'),
    output: { path: join(folder, 'client'), module: { extension: '.ts' } },
    plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
    logs: { file: false, level: 'warn' },
  };
  await writeFile(
    join(folder, 'openapi-ts.config.mjs'),
    `export default ${JSON.stringify(config)};\n`,
  );
  const generator = join(ROOT, 'node_modules/@hey-api/openapi-ts/bin/run.js');
  await run(process.execPath, [generator, '-f', join(folder, 'openapi-ts.config.mjs')], {
    cwd: folder,
  });
  await cp(PROGRAM, join(folder, 'main-job.ts'));
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  return folder;
}

/** Type-checks the program with the client; rejects with what the compiler says. */
export async function typeCheck(folder: string): Promise<void> {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [compiler, '-p', folder]).catch((error: unknown) => {
    throw new Error(String((error as { stdout?: unknown }).stdout), { cause: error });
  });
}

/** Runs the program against a node with a block to submit; gives what it printed. */
export async function runMainJob(folder: string, url: string, block: string): Promise<unknown> {
  const program = [join(folder, 'main-job.ts'), url, block];
  const { stdout } = await run(process.execPath, program, { cwd: folder });
  return JSON.parse(stdout);
}
