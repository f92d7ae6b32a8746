import { defineConfig } from 'vitest/config';

// Four kinds of test, told apart by folder: pure ones, enumerated faults on the fake host, the contract that
// the fake and a real host both keep, and promises kept on whole hosts. The last two need root and a lab.
const kind = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    projects: [
      kind('unit'),
      kind('fault'),
      kind('contract', { testTimeout: 120_000, hookTimeout: 300_000, fileParallelism: false }),
      kind('lab', { testTimeout: 300_000, hookTimeout: 300_000, fileParallelism: false }),
    ],
  },
});
