// The lab's copy of Duo's package repository: packages, lists and signatures, made once and kept in the cache.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { makeDuoPackage, PACKAGE_KINDS, type PackageKind } from './duo-package.ts';
import { labBase } from './lab-base.ts';
import { LAB_HOSTS, type LabRelease } from './lab-hosts.ts';
import { labCacheFolder, REPOSITORY_ROOT } from './lab-paths.ts';
import { mustRun } from './lab-process.ts';

/** What the repository holds: a package of some kind; or a good one signed by a stranger, or long ago; or nothing, HTTP 404. */
export type RepositoryKind = PackageKind | 'wrong-key' | 'expired' | 'gone';

/** All kinds, with what they are for. */
export const REPOSITORY_KINDS: Readonly<Record<RepositoryKind, string>> = {
  ...PACKAGE_KINDS,
  'wrong-key': 'the good package, in lists signed by a key that is not the published one',
  expired: 'the good package, in lists whose Valid-Until has passed',
  gone: 'nothing: every path under /Debian and /Ubuntu is not found',
};

/** Where the parts of a built repository are. */
export interface DuoRepository {
  /** `<root>/<codename>/<kind>/` holds `dists/<codename>/` and `pool/<codename>/`. */
  readonly root: string;
  /** The armoured public key. */
  readonly keyFile: string;
}

const codenamesOf = (release: LabRelease): readonly string[] => [
  ...new Set([
    release,
    ...LAB_HOSTS.filter((host) => host.release === release).map((host) => host.platform.codename),
  ]),
];

/** The repository for the given releases, made first where it is not in the cache (about 2 s for each release). */
export async function duoRepository(releases: readonly LabRelease[]): Promise<DuoRepository> {
  const signing = await signingKeys();
  const root = join(labCacheFolder(), `repository-${await recipeDigest()}`);
  for (const release of releases) {
    for (const codename of codenamesOf(release)) {
      const folder = join(root, codename);
      if (existsSync(folder)) continue;
      await buildAside(folder, async (aside) => buildCodename(release, codename, aside, signing));
    }
  }
  return { root, keyFile: join(signing, 'published.asc') };
}

/** The file that answers a request path such as `/Debian/dists/bookworm/InRelease`, or `null` for not found. */
export function repositoryFile(repository: DuoRepository, kind: RepositoryKind, path: string): string | null {
  if (path === '/DUO-GPG-PUBLIC-KEY.asc') return repository.keyFile;
  const match = /^\/(?:Debian|Ubuntu)\/((?:dists|pool)\/([a-z]+)\/[A-Za-z0-9._/-]+)$/.exec(path);
  const [, inside, codename] = match ?? [];
  if (kind === 'gone' || inside === undefined || codename === undefined || path.includes('..')) return null;
  return join(repository.root, codename, kind, inside);
}

async function recipeDigest(): Promise<string> {
  const sources = ['duo-package.ts', 'duo-repository.ts', 'lab-base.sh'];
  const texts = await Promise.all(
    sources.map((file) => readFile(join(REPOSITORY_ROOT, 'test/support', file), 'utf8')),
  );
  return createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 10);
}

/** Builds in a folder beside and renames: whoever looks sees nothing or all, and of two builders one wins. */
async function buildAside(folder: string, build: (aside: string) => Promise<void>): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true });
  const aside = await mkdtemp(`${folder}.building-`);
  try {
    await build(aside);
    await rename(aside, folder);
  } catch (error) {
    // Somebody else was faster: theirs is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function buildCodename(
  release: LabRelease,
  codename: string,
  folder: string,
  signing: string,
): Promise<void> {
  const { packages } = await labBase(release);
  const scratch = join(folder, 'scratch');
  for (const kind of Object.keys(PACKAGE_KINDS) as PackageKind[]) {
    const target = join(folder, kind, 'pool', codename, 'main/d/duo-unix');
    await makeDuoPackage(packages, kind, { scratch, target });
    await writeLists(join(folder, kind), codename);
    await sign(join(folder, kind, 'dists', codename), join(signing, 'published'));
  }
  const good = join(folder, 'good');
  const lists = (kind: RepositoryKind): string => join(folder, kind, 'dists', codename);
  for (const kind of ['wrong-key', 'expired'] as const) await mustRun(['cp', '-a', good, join(folder, kind)]);
  await sign(lists('wrong-key'), join(signing, 'stranger'));
  // Nobody may be held back with old lists (sources.list(5), check-valid-until).
  await appendFile(join(lists('expired'), 'Release'), 'Valid-Until: Thu, 01 Jan 2015 00:00:00 UTC\n');
  await sign(lists('expired'), join(signing, 'published'));
  await rm(scratch, { recursive: true, force: true });
}

async function writeLists(folder: string, codename: string): Promise<void> {
  const dist = join('dists', codename);
  const binary = join(folder, dist, 'main/binary-amd64');
  await mkdir(binary, { recursive: true });
  // Run in the repository's folder, so that the paths in the list are relative to its URL.
  const packages = await mustRun(['apt-ftparchive', 'packages', join('pool', codename)], { cwd: folder });
  await writeFile(join(binary, 'Packages'), packages);
  const about = { Origin: 'Duo Security', Label: 'Duo Security', Suite: codename, Codename: codename };
  const fields = { ...about, Components: 'main', Architectures: 'amd64' };
  const options = Object.entries(fields).flatMap(([key, value]) => [
    '-o',
    `APT::FTPArchive::Release::${key}=${value}`,
  ]);
  const release = await mustRun(['apt-ftparchive', ...options, 'release', dist], { cwd: folder });
  await writeFile(join(folder, dist, 'Release'), release);
}

/**
 * `gnupg` is a key ring of its own with one secret key and no passphrase. Under a lock: gpg's daemon is one for each ring,
 * and whoever stops it takes it away from another test suite that signs at the same time.
 */
async function sign(dist: string, gnupg: string): Promise<void> {
  await mustRun(['flock', `${gnupg}.lock`, 'sh', '-euc', SIGN, 'sh', gnupg, join(dist, 'Release')]);
}

const SIGN = `
  gnupg=$1 release=$2
  sign() { gpg --homedir "$gnupg" --batch --yes --quiet --armor --digest-algo SHA512 --output "$@" "$release"; }
  sign "\${release%/*}/InRelease" --clear-sign
  sign "$release.gpg" --detach-sign
  gpgconf --homedir "$gnupg" --kill all`;

/** gpg leaves a daemon behind for each key ring. */
const stopAgent = (gnupg: string): Promise<string> =>
  mustRun(['gpgconf', '--homedir', gnupg, '--kill', 'all']);

/** The published key and a stranger's, made once: RSA, as Duo's are. Gives their folder. */
async function signingKeys(): Promise<string> {
  const folder = join(labCacheFolder(), 'signing');
  if (existsSync(folder)) return folder;
  await buildAside(folder, async (aside) => {
    for (const name of ['published', 'stranger']) {
      const gnupg = join(aside, name);
      await mkdir(gnupg, { mode: 0o700 });
      const gpg = ['gpg', '--homedir', gnupg, '--batch', '--quiet'];
      const owner = `The lab, ${name} <${name}@duosecurity.test>`;
      await mustRun([...gpg, '--passphrase', '', '--quick-generate-key', owner, 'rsa3072', 'sign', '10y']);
      await writeFile(`${gnupg}.asc`, await mustRun([...gpg, '--armor', '--export']));
      await writeFile(
        `${gnupg}.fingerprint`,
        fingerprintIn(await mustRun([...gpg, '--with-colons', '--list-keys'])),
      );
      await stopAgent(gnupg);
    }
    await copyFile(join(aside, 'published.fingerprint'), join(aside, 'fingerprint'));
  });
  return folder;
}

/** The first fingerprint in gpg's colon listing (doc/DETAILS: record `fpr`, field 10). */
function fingerprintIn(listing: string): string {
  const record = listing.split('\n').find((line) => line.startsWith('fpr:'));
  const fingerprint = record?.split(':')[9];
  if (fingerprint === undefined) throw new Error('lab: gpg lists no fingerprint');
  return `${fingerprint}\n`;
}

/** The fingerprint of the published key, upper-case hex. */
export async function repositoryFingerprint(): Promise<string> {
  return (await readFile(join(await signingKeys(), 'fingerprint'), 'utf8')).trim();
}

/** The releases whose base is in the cache: those that the repository can be made for. */
export async function builtReleases(): Promise<readonly LabRelease[]> {
  const entries = await readdir(labCacheFolder()).catch(() => []);
  const releases: readonly LabRelease[] = ['bullseye', 'bookworm', 'trixie'];
  return releases.filter((release) => entries.some((entry) => entry.startsWith(`base-${release}-`)));
}
