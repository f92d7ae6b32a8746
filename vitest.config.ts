import { defineConfig } from 'vitest/config';

// Four kinds of test, told apart by folder: pure ones, enumerated faults on the fake host, the contract that
// the fake and a real host both keep, and promises kept on whole hosts. The last two need root and a lab.
//
// Whole hosts mostly wait: for leases, reloads and boots. Each file has a fleet of its own, and fleets share nothing, so that
// files go side by side, but not beside the pure tests, which use what processors there are.
const FILES_SIDE_BY_SIDE = 5;

const kind = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

const onHosts = { hookTimeout: 300_000, maxWorkers: FILES_SIDE_BY_SIDE, sequence: { groupOrder: 1 } };

export default defineConfig({
  test: {
    projects: [
      kind('unit', { testTimeout: 30_000 }),
      kind('fault', { testTimeout: 60_000 }),
      kind('contract', { testTimeout: 120_000, ...onHosts }),
      kind('lab', { testTimeout: 300_000, ...onHosts }),
    ],
  },
});
