// The cached file systems that hosts are made from: one for each Debian release.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAB_GROUPS, LAB_SUDOERS, LAB_USERS, type LabRelease } from './lab-hosts.ts';
import { labCacheFolder, REPOSITORY_ROOT } from './lab-paths.ts';
import { mustRun, runProcess } from './lab-process.ts';

const SCRIPT = join(REPOSITORY_ROOT, 'test/support/lab-base.sh');
const BUILD_TIMEOUT_MS = 600_000;

/** A built base: `root` is mounted under hosts and never changed, `packages` holds Debian's Duo .debs. */
export interface LabBase {
  readonly root: string;
  readonly packages: string;
}

/**
 * The base of a release, built first when it is not in the cache (20 to 40 s). Its folder's name contains a digest of
 * what it is made by, so that a changed recipe makes a new base beside one that hosts may still stand on.
 */
export async function labBase(
  release: LabRelease,
  say: (line: string) => void = () => undefined,
): Promise<LabBase> {
  const recipe = JSON.stringify([await readFile(SCRIPT, 'utf8'), LAB_USERS, LAB_GROUPS, LAB_SUDOERS]);
  const digest = createHash('sha256').update(recipe).digest('hex').slice(0, 10);
  const folder = join(labCacheFolder(), `base-${release}-${digest}`);
  if (!existsSync(folder)) {
    await mkdir(labCacheFolder(), { recursive: true });
    say(`building the ${release} base, once, in ${folder} (about half a minute)`);
    // flock, so that two test suites starting at once build it once; the script itself looks again under the lock.
    const build = ['flock', `${folder}.lock`, 'sh', SCRIPT, release, await debianMirror(), folder];
    await mustRun(build, { input: accounts(), timeoutMs: BUILD_TIMEOUT_MS });
  }
  return { root: join(folder, 'root'), packages: join(folder, 'packages') };
}

/** $DUO_FLEET_LAB_MIRROR, else the mirror in this machine's own apt configuration, else '': mmdebstrap knows Debian's own. */
export async function debianMirror(): Promise<string> {
  const chosen = process.env['DUO_FLEET_LAB_MIRROR'];
  if (chosen !== undefined) return chosen;
  const targets = ['--format', '$(ORIGIN)|$(LABEL)|$(REPO_URI)', 'Identifier: Packages'];
  return mirrorAmong((await runProcess(['apt-get', 'indextargets', ...targets])).stdout);
}

/** The first Debian mirror among lines `ORIGIN|LABEL|URI`; '' where there is none, as on Ubuntu. */
export function mirrorAmong(targets: string): string {
  const line = targets.split('\n').find((target) => target.startsWith('Debian|Debian|'));
  return line?.split('|')[2] ?? '';
}

/** Accounts, groups and sudoers as lines for lab-base.sh. */
function accounts(): string {
  const groups = Object.entries(LAB_GROUPS).map(([name, gid]) => `group ${name} ${gid}`);
  const users = LAB_USERS.map(
    (user) => `user ${user.name} ${user.uid} ${user.groups.join(',') || '-'} ${user.password ?? '-'}`,
  );
  const sudoers = Object.entries(LAB_SUDOERS).map(([name, text]) => `sudoers ${name} ${text.trim()}`);
  return [...groups, ...users, ...sudoers, ''].join('\n');
}
