#!/usr/bin/env node
// argv -> exit code. The only file that meets the process.
import { OPEN_FILES_MIN, readOpenFilesMax } from './cli/open-files.ts';

/** package.json's `engines`: 20.19. */
const NODE_MIN = { major: 20, minor: 19 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NODE_MIN.major || (major === NODE_MIN.major && minor < NODE_MIN.minor)) {
  process.stderr.write(
    `duo-fleet: needs Node.js ${NODE_MIN.major}.${NODE_MIN.minor} or later, this is ${process.versions.node}\nNothing was touched.\n`,
  );
  process.exitCode = 2;
} else if (readOpenFilesMax() < OPEN_FILES_MIN) {
  process.stderr.write(
    `duo-fleet: this process may have ${readOpenFilesMax()} files open, and at least ${OPEN_FILES_MIN} are needed: raise the limit (ulimit -n, LimitNOFILE=)\nNothing was touched.\n`,
  );
  process.exitCode = 2;
} else if (process.argv[2] === 'complete') {
  // Somebody has pressed Tab and waits: the packages of a run take longer to load than that.
  const { complete } = await import('./cli/complete.ts');
  const { processSurroundings } = await import('./cli/process-surroundings.ts');
  await complete(processSurroundings());
} else {
  // Imported only now: on an older Node, or with too few descriptors, the packages themselves fail, and say less.
  const { invoke } = await import('./cli/invoke.ts');
  const { processSurroundings } = await import('./cli/process-surroundings.ts');
  const { wire } = await import('./cli/wire.ts');
  const surroundings = processSurroundings();
  const { exitCode, endNow } = await invoke(surroundings, wire);
  process.exitCode = exitCode;
  // Connections to hosts that nobody waits for any more would keep the process alive; their leases lapse with it.
  if (endNow) surroundings.exitNow(exitCode);
}
