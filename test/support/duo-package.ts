// Makes `duo-unix` packages as Duo lays them out, at test time, from Debian's own build of the same sources.
import { chmod, copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './lab-process.ts';

/** What is wrong with a package, if anything. */
export type PackageKind = 'good' | 'old' | 'broken-postinst' | 'broken-unpack' | 'broken-module' | 'corrupt';

/** All kinds, with what they are for. */
export const PACKAGE_KINDS: Readonly<Record<PackageKind, string>> = {
  good: 'installs and works',
  old: 'works, and is older than the certificate bundle that Duo requires',
  'broken-postinst': 'unpacks, then its postinst fails: dpkg leaves it half-configured',
  'broken-unpack': 'claims a file of another package: dpkg refuses to unpack it',
  'broken-module': 'installs, but its pam_duo.so is no library',
  corrupt: 'its archive ends in the middle, although its checksum is the listed one',
};

const VERSIONS: Readonly<Partial<Record<PackageKind, string>>> = { old: '2.0.4-0' };
const CURRENT_VERSION = '2.2.3-0';
const MULTIARCH = 'usr/lib/x86_64-linux-gnu';
/** libpam does not look here: Duo's configure takes it from the host triple (configure.ac), and stacks name it in full. */
const MODULE_FOLDER = 'usr/lib64/security';

/** Debian's and Duo's configuration folders, as compiled into the binaries. */
const CONF_PATHS: readonly (readonly [debian: string, duo: string])[] = [
  ['/etc/security/pam_duo.conf', '/etc/duo/pam_duo.conf'],
  ['/etc/security/login_duo.conf', '/etc/duo/login_duo.conf'],
];

/**
 * Builds one .deb into `target` and gives its file name.
 *
 * @param debian folder with Debian's libpam-duo, login-duo and libduo3 (libduo3t64) .debs of one release
 * @param scratch a folder that may be written into; what is there already is removed
 */
export async function makeDuoPackage(
  debian: string,
  kind: PackageKind,
  places: { readonly scratch: string; readonly target: string },
): Promise<string> {
  const source = join(places.scratch, 'debian');
  const tree = join(places.scratch, 'duo-unix');
  for (const folder of [source, tree]) await rm(folder, { recursive: true, force: true });
  await mkdir(source, { recursive: true });
  for (const deb of await debFiles(debian)) await mustRun(['dpkg-deb', '-x', deb, source]);
  await layOut(source, tree, kind);
  await writeControl(debian, tree, kind);
  const version = VERSIONS[kind] ?? CURRENT_VERSION;
  const file = `duo-unix_${version}_amd64.deb`;
  await mkdir(places.target, { recursive: true });
  await mustRun(['dpkg-deb', '--root-owner-group', '-Zgzip', '-z1', '-b', tree, join(places.target, file)]);
  // Half of it: the control part at its beginning is whole, the data is not.
  if (kind === 'corrupt') await truncate(join(places.target, file), CORRUPT_BYTES);
  return file;
}

const CORRUPT_BYTES = 16 * 1024;

/** The same binary, reading its configuration elsewhere: the new path is shorter, NULs fill the rest. Exported for its test. */
export function repath(binary: Uint8Array): Buffer {
  const patched = Buffer.from(binary);
  for (const [debian, duo] of CONF_PATHS) {
    const at = patched.indexOf(`${debian}\0`);
    if (at === -1) continue;
    patched.fill(0, at, at + debian.length);
    patched.write(duo, at, 'latin1');
  }
  return patched;
}

const debFiles = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((file) => file.endsWith('.deb')).map((file) => join(folder, file));

async function layOut(source: string, tree: string, kind: PackageKind): Promise<void> {
  const place = async (path: string, bytes: Uint8Array | string, mode: number): Promise<void> => {
    const target = join(tree, path);
    await mkdir(join(target, '..'), { recursive: true, mode: 0o755 });
    await writeFile(target, bytes);
    await chmod(target, mode);
  };
  const module = await readFile(await moduleOf(source));
  const moduleBytes = kind === 'broken-module' ? 'this is no library\n' : repath(module);
  await place(join(MODULE_FOLDER, 'pam_duo.so'), moduleBytes, 0o644);
  await place('usr/sbin/login_duo', repath(await readFile(join(source, 'usr/sbin/login_duo'))), 0o4755);
  await place('etc/duo/pam_duo.conf', CONF_TEMPLATE, 0o600);
  await place('etc/duo/login_duo.conf', CONF_TEMPLATE, 0o600);
  await place('usr/share/doc/duo-unix/README', 'Made by the lab from libpam-duo and login-duo.\n', 0o644);
  // Duo links its library into the module; Debian's build brings it as a file.
  await mkdir(join(tree, MULTIARCH), { recursive: true });
  await copyFile(join(source, MULTIARCH, 'libduo.so.3.0.0'), join(tree, MULTIARCH, 'libduo.so.3'));
  if (kind === 'broken-unpack') await place('usr/sbin/visudo', '#!/bin/sh\nexit 0\n', 0o755);
}

/** /lib on releases before usr-merge in packages, /usr/lib since. */
async function moduleOf(source: string): Promise<string> {
  const folders = ['usr/lib', 'lib'].map((lib) => join(source, lib, 'x86_64-linux-gnu/security'));
  for (const folder of folders) {
    const files: readonly string[] = await readdir(folder).catch(() => []);
    if (files.includes('pam_duo.so')) return join(folder, 'pam_duo.so');
  }
  throw new Error(`lab: no pam_duo.so in ${source}`);
}

/** What a fresh install has: no keys. The module finds nothing to ask with, and failmode's default lets everybody by. */
const CONF_TEMPLATE = `[duo]
; Integration key
ikey =
; Secret key
skey =
; API host
host =
`;

const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  chown sshd /etc/duo/login_duo.conf
fi
`;

const BROKEN_POSTINST = `#!/bin/sh
echo 'duo-unix: postinst fails, as it was made to' >&2
exit 1
`;

async function writeControl(debian: string, tree: string, kind: PackageKind): Promise<void> {
  const folder = join(tree, 'DEBIAN');
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const control = [
    'Package: duo-unix',
    `Version: ${VERSIONS[kind] ?? CURRENT_VERSION}`,
    'Architecture: amd64',
    'Section: admin',
    'Priority: optional',
    'Maintainer: The lab <lab@duosecurity.test>',
    `Depends: ${(await dependencies(debian)).join(', ')}`,
    'Conflicts: libpam-duo, login-duo, libduo3, libduo3t64',
    'Replaces: libpam-duo, login-duo, libduo3, libduo3t64',
    'Description: Duo two-factor authentication for Unix, as the lab makes it',
    '',
  ];
  await writeFile(join(folder, 'control'), control.join('\n'));
  await writeFile(join(folder, 'conffiles'), '/etc/duo/login_duo.conf\n/etc/duo/pam_duo.conf\n');
  await writeFile(join(folder, 'triggers'), 'activate-noawait ldconfig\n');
  await writeFile(join(folder, 'postinst'), kind === 'broken-postinst' ? BROKEN_POSTINST : POSTINST);
  await chmod(join(folder, 'postinst'), 0o755);
}

/** Everything that Debian's parts depend on but each other, and openssh-server, without which PAM still needs the module. */
async function dependencies(debian: string): Promise<readonly string[]> {
  const fields = await Promise.all(
    (await debFiles(debian)).map((deb) => mustRun(['dpkg-deb', '-f', deb, 'Depends'])),
  );
  const all = fields.flatMap((field) => field.trim().split(/,\s*/));
  return [...new Set(all)].filter((name) => !/^(libduo|openssh-server)/.test(name)).toSorted();
}
