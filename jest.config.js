/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: false,
          },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/tools/node/'],
  collectCoverageFrom: ['{apps,libs}/*/src/**/*.ts', '!**/*.spec.ts'],
  coverageProvider: 'v8',
  reporters: ['default', '<rootDir>/tools/tally.mjs'],
  // Much of a test is waiting for clocks and disks: two processes halve the time of the whole run. More would only be
  // slower where whole networks run in one test.
  maxWorkers: 2,
  // What a test waits for depends on the speed of the machine, and on what else it does; only what
  // hangs may reach this.
  testTimeout: 120_000,
};
