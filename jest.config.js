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
  testSequencer: '<rootDir>/tools/sequence.mjs',
  // A third of the time of the long tests is waiting for clocks, disks and other processes: three
  // of them keep two processors busy. More would only be slower where whole networks run in one.
  maxWorkers: 3,
  // Each file leaves some 10 MB behind in the process that ran it (the modules of its vm context).
  // Over hundreds of files that made every full collection of garbage take seconds: a process with
  // more than this is replaced between two files.
  workerIdleMemoryLimit: '600MB',
  // What a test waits for depends on the speed of the machine, and on what else it does; only what
  // hangs may reach this.
  testTimeout: 120_000,
};
