// Python for the lab's hosts, which only Ansible needs.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { debianMirror, labBase } from '../support/lab-base.ts';
import { labCacheFolder, REPOSITORY_ROOT } from '../support/lab-paths.ts';
import { mustRun } from '../support/lab-process.ts';
import type { LabHost } from '../support/lab.ts';

const RELEASE = 'bookworm';
const SCRIPT = join(REPOSITORY_ROOT, 'test/bench/python-layer.sh');
const BUILD_TIMEOUT_MS = 300_000;

/**
 * The archive that makes a bookworm host usable for Ansible; made first when it is not in the cache (about 10 s). It
 * holds dpkg's whole list of packages, so its name contains the base's.
 */
export async function pythonLayer(say: (line: string) => void): Promise<string> {
  const { root } = await labBase(RELEASE);
  const recipe = [dirname(root), await readFile(SCRIPT, 'utf8')];
  const digest = createHash('sha256').update(recipe.join('\0')).digest('hex').slice(0, 10);
  const archive = join(labCacheFolder(), `base-with-python-${digest}.tar`);
  if (!existsSync(archive)) {
    say(`fetching Python for the hosts, once, into ${archive}`);
    const build = ['flock', `${archive}.lock`, 'sh', SCRIPT, root, RELEASE, await debianMirror(), archive];
    await mustRun(build, { timeoutMs: BUILD_TIMEOUT_MS });
  }
  return archive;
}

/** Unpacks the archive into a host that is up and was just reset. */
export async function addPython(host: LabHost, archive: string): Promise<void> {
  await mustRun(['tar', '-C', host.root, '--xattrs', '-xf', archive]);
}
