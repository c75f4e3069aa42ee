/**
 * The house rules that a machine can check: which folder may import what, purity of the cores,
 * no two-way folders, no orphan files, sizes. A rule that no test checks is a wish.
 */
import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

interface SourceFile {
  /** Path from the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly ast: ts.SourceFile;
  /** Imported modules as written. */
  readonly specifiers: readonly string[];
  /** Imported project files, as paths from the root. */
  readonly targets: readonly string[];
}

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path.length > 0 && existsSync(join(root, path)));

const files: SourceFile[] = tracked
  .filter(
    (path) =>
      /^(apps|libs|test|tools)\/.*\.tsx?$/.test(path) && !path.startsWith('libs/tangle/wasm/'),
  )
  .map(load);
const byPath = new Map(files.map((file) => [file.path, file]));
const production = files.filter((file) => /^(apps|libs)\//.test(file.path) && !isSpec(file.path));

function isSpec(path: string): boolean {
  return path.endsWith('.spec.ts') || path.includes('/testing/');
}

function load(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const specifiers: string[] = [];
  const visit = (node: ts.Node): void => {
    const named = ts.isImportDeclaration(node) || ts.isExportDeclaration(node);
    const specifier = named ? node.moduleSpecifier : undefined;
    if (specifier && ts.isStringLiteral(specifier)) specifiers.push(specifier.text);
    const isDynamic =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
    const isWorkerUrl =
      ts.isNewExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === 'URL';
    if (isDynamic || isWorkerUrl) {
      const first = node.arguments?.[0];
      if (first && ts.isStringLiteral(first)) specifiers.push(first.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ast);
  const targets = specifiers.map((one) => resolve(path, one)).filter((one) => one !== undefined);
  return { path, text, ast, specifiers, targets };
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    return normalize(join(dirname(from), specifier))
      .split(sep)
      .join('/')
      .replace(/\.js$/, '.ts');
  }
  const library = /^@tanglemail\/(tangle|mail)\/(.*)$/.exec(specifier);
  return library ? `libs/${library[1]}/src/${library[2]}` : undefined;
}

/** What a folder may import besides itself; the first matching row counts. */
const LAYERS: readonly { folder: RegExp; allowed: readonly RegExp[] }[] = [
  {
    folder: /^libs\/tangle\/src\/core\//,
    // @scure/base for the text of addresses (bech32m): pure, without dependencies.
    allowed: [/^@noble\//, /^@scure\/base$/, /^micro-packed$/, /^libs\/tangle\/src\/core\//],
  },
  {
    folder: /^libs\/mail\/src\/core\//,
    allowed: [/^@noble\//, /^@scure\//, /^micro-packed$/, /^libs\/(mail|tangle)\/src\/core\//],
  },
  { folder: /^libs\/tangle\/src\/io\//, allowed: [/^(?!@nestjs)[^/]/, /^libs\/tangle\/src\//] },
  {
    folder: /^libs\/mail\/src\/io\//,
    allowed: [/^(?!@nestjs)[^/]/, /^libs\/(mail|tangle)\/src\//],
  },
  {
    folder: /^apps\/node\/src\//,
    allowed: [/^apps\/node\/src\//, /^libs\/tangle\/src\//, /^(?!@tanglemail)/],
  },
  {
    folder: /^apps\/storage-provider\/src\//,
    allowed: [/^apps\/storage-provider\/src\//, /^libs\/(tangle|mail)\/src\//, /^(?!@tanglemail)/],
  },
  {
    folder: /^apps\/client\/web\/vite\.config\.ts$/,
    allowed: [/^vite$/, /^node:/],
  },
  {
    // Pages run in a browser: of the daemon they know the shapes of its API, no more.
    folder: /^apps\/client\/web\/src\//,
    allowed: [
      /^apps\/client\/web\/src\//,
      /^apps\/client\/src\/api\/[\w-]*dto\.ts$/,
      /^libs\/(tangle|mail)\/src\/core\//,
      /^libs\/tangle\/src\/io\/node-client\//,
      /^(?!@tanglemail|@nestjs|node:)/,
    ],
  },
  {
    folder: /^apps\/client\/src\//,
    allowed: [/^apps\/client\/src\//, /^libs\/(tangle|mail)\/src\//, /^(?!@tanglemail)/],
  },
];

function layerViolations(file: SourceFile): string[] {
  const layer = LAYERS.find((one) => one.folder.test(file.path));
  if (!layer) return [`${file.path}: stands in no known folder`];
  return file.specifiers.flatMap((specifier) => {
    const target = resolve(file.path, specifier) ?? specifier;
    const isOtherProjectFile = /^(apps|libs)\//.test(target);
    const patterns = isOtherProjectFile
      ? layer.allowed.filter((one) => /\^(apps|libs)/.test(one.source.replaceAll('\\', '')))
      : layer.allowed;
    return patterns.some((one) => one.test(target)) ? [] : [`${file.path}: imports ${specifier}`];
  });
}

describe('folders', () => {
  it('import only what their layer allows', () => {
    expect(production.flatMap(layerViolations)).toEqual([]);
  });

  it('import only files that exist', () => {
    const missing = files.flatMap((file) =>
      file.targets
        .filter(
          (target) => target.endsWith('.ts') && !byPath.has(target) && !target.includes('/wasm/'),
        )
        .map((target) => `${file.path} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('keep Nest in api/ and main.ts', () => {
    const outside = production
      .filter((file) => !/\/src\/(api\/|main\.ts)/.test(file.path))
      .filter((file) => file.specifiers.some((one) => one.startsWith('@nestjs/')))
      .map((file) => file.path);
    expect(outside).toEqual([]);
  });

  it('leave process.* of the apps to main.ts and the command line', () => {
    const readers = production
      .filter((file) => file.path.startsWith('apps/') && !/\/src\/(main\.ts|cli\/)/.test(file.path))
      .filter((file) => /\bprocess\.(env|argv|exit|on|stdin|stdout|stderr|cwd)\b/.test(code(file)))
      .map((file) => file.path);
    expect(readers).toEqual([]);
  });

  it('form no two-way pairs', () => {
    const edges = new Set<string>();
    for (const file of production) {
      for (const target of file.targets) {
        const [from, to] = [dirname(file.path), dirname(target)];
        const isNested = from === to || from.startsWith(`${to}/`) || to.startsWith(`${from}/`);
        if (!isNested) edges.add(`${from} ${to}`);
      }
    }
    const pairs = [...edges].filter((edge) => edges.has(edge.split(' ').toReversed().join(' ')));
    expect(pairs.toSorted()).toEqual([]);
  });

  it('hold no file that nobody imports', () => {
    const imported = new Set(
      files.filter((one) => !isSpec(one.path)).flatMap((one) => one.targets),
    );
    const usedByTests = new Set(files.flatMap((one) => one.targets));
    const orphans = production
      .filter(
        (file) => !imported.has(file.path) && !/\/(main\.tsx?|vite\.config\.ts)$/.test(file.path),
      )
      .filter((file) => !(file.path.includes('/testing/') && usedByTests.has(file.path)))
      .map((file) => file.path);
    expect(orphans).toEqual([]);
  });

  it('have an index.ts only at the door of a library', () => {
    const doors = production.map((file) => file.path).filter((path) => path.endsWith('/index.ts'));
    expect(doors.filter((path) => !/^libs\/[a-z]+\/src\/index\.ts$/.test(path))).toEqual([]);
  });
});

/** The text without comments and string literals, so that words in prose do not count. */
function code(file: SourceFile): string {
  return file.text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|[^:'"`])\/\/.*$/gm, '$1')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

const cores = production.filter((file) => /^libs\/[a-z]+\/src\/core\//.test(file.path));

describe('pages', () => {
  it('take from the daemon types alone, which are gone in a browser', () => {
    const taken = production
      .filter((file) => file.path.startsWith('apps/client/web/src/'))
      .flatMap(({ path, ast }) =>
        ast.statements
          .filter(ts.isImportDeclaration)
          .filter(({ importClause, moduleSpecifier }) => {
            const isDaemon = (moduleSpecifier as ts.StringLiteral).text.includes('/src/api/');
            return isDaemon && importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword;
          })
          .map((statement) => `${path}: ${statement.getText()}`),
      );
    expect(taken).toEqual([]);
  });
});

describe('cores', () => {
  const IMPURE = [
    /\bawait\b/,
    /\basync\b/,
    /\bDate\b/,
    /Math\.random/,
    /\bperformance\b/,
    /\bprocess\./,
    /\bconsole\./,
    /\bsetTimeout\b/,
    /\bcrypto\.getRandomValues\b/,
    /randomBytes/,
  ];

  it('are synchronous and know neither clock, chance nor I/O', () => {
    const found = cores.flatMap((file) =>
      IMPURE.filter((word) => word.test(code(file))).map((word) => `${file.path}: ${word.source}`),
    );
    expect(found).toEqual([]);
  });

  it('stay under 400 lines a file', () => {
    const long = cores
      .map((file) => ({ path: file.path, lines: file.text.split('\n').length }))
      .filter((one) => one.lines > 401);
    expect(long).toEqual([]);
  });
});

describe('sizes', () => {
  it('lines stay within 100 characters', () => {
    const long = files.flatMap((file) =>
      file.text
        .split('\n')
        .map((line, index) => ({ at: `${file.path}:${index + 1}`, length: line.length }))
        .filter((line) => line.length > 100)
        .map((line) => line.at),
    );
    expect(long).toEqual([]);
  });

  it('functions stay within 70 lines', () => {
    const long: string[] = [];
    for (const file of production) {
      const visit = (node: ts.Node): void => {
        if (ts.isFunctionLike(node) && 'body' in node && node.body) {
          const first = file.ast.getLineAndCharacterOfPosition(node.getStart()).line;
          const last = file.ast.getLineAndCharacterOfPosition(node.end).line;
          if (last - first + 1 > 70)
            long.push(`${file.path}:${first + 1} ${last - first + 1} lines`);
        }
        ts.forEachChild(node, visit);
      };
      visit(file.ast);
    }
    expect(long).toEqual([]);
  });

  it('every file opens with what it is', () => {
    const bare = production.filter((file) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(file.text));
    expect(bare.map((file) => file.path)).toEqual([]);
  });
});

describe('tests', () => {
  it('that begin first because they are long are there', () => {
    const list = readFileSync(join(root, 'tools/sequence.mjs'), 'utf8');
    const names = [...list.matchAll(/^ {2}'([^']+)',$/gm)].map(([, name]) => `${name}.spec.ts`);
    expect(names).not.toEqual([]);
    expect(names.filter((name) => !byPath.has(name))).toEqual([]);
  });

  it('are neither skipped nor focused', () => {
    const marked = files
      .filter((file) => file.path.endsWith('.spec.ts') && !file.path.endsWith('tidy.spec.ts'))
      .filter((file) =>
        /\b(it|test|describe)\.(skip|only|todo)\b|\bx(it|describe)\(/.test(file.text),
      )
      .map((file) => file.path);
    expect(marked).toEqual([]);
  });
});

describe('the threat model', () => {
  it('names tests that exist, each file in one way', () => {
    const page = readFileSync(join(root, 'docs/threat-model.md'), 'utf8');
    const named = [...page.matchAll(/`([a-z0-9]+(?:[-/][a-z0-9]+)*)`/g)].map(([, name]) => name);
    const found = (name = ''): string[] =>
      tracked.filter((path) => path.endsWith(`/${name}.spec.ts`));
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((name) => found(name).length !== 1)).toEqual([]);
  });
});

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What packages of a lock file name as optional and the lock file has nowhere they would look. */
function unlockedOptionals(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) => {
    // As Node looks for a module: beside the package's own modules, then further and further out.
    const parts = path === '' ? [] : path.split('/');
    const places = [...parts, ''].map((_, depth) => parts.slice(0, depth).join('/'));
    return Object.keys(optionalDependencies)
      .filter((name) => !places.some((at) => join(at, 'node_modules', name) in packages))
      .map((name) => `${path} -> ${name}`);
  });
}

describe('lock files', () => {
  // On one machine npm writes only the packages of that platform when it repairs a lock file from
  // what is installed; `npm ci` then refuses the file, or leaves the native code out elsewhere.
  it.each(tracked.filter((path) => path.endsWith('package-lock.json')))(
    '%s holds the packages of every platform',
    (path) => {
      const lock = JSON.parse(readFileSync(join(root, path), 'utf8')) as {
        packages: Record<string, LockedPackage>;
      };
      expect(Object.keys(lock.packages).length).toBeGreaterThan(0);
      expect(unlockedOptionals(lock.packages)).toEqual([]);
    },
  );
});
