// Runs Duo's real module, case after case, where nothing of this machine changes: private mounts over its accounts and stacks.
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { labBase } from './lab-base.ts';
import { LAB_DUO_HOST, type LabRelease } from './lab-hosts.ts';
import { mustRun } from './lab-process.ts';

/** One call of the module. */
export interface ModuleCase {
  readonly file: { readonly bytes: Uint8Array; readonly mode: number | null };
  /** `sshd` waits for Duo's last word in one request, any other polls (not `other`, whose stack libpam would run twice). */
  readonly service: 'sshd' | 'plain';
  readonly user: string;
  /** Whether somebody answers the prompts. */
  readonly answers: boolean;
}

/** What came of it: pamtester's words, and what the module logged. */
export interface ModuleRun {
  /** Exit status of pamtester: 0, 1, or over 128 when it was killed. */
  readonly status: number;
  /** libpam's text for the return code (pam_strerror); '' for success. */
  readonly error: string;
  readonly log: readonly string[];
}

export interface ModuleAccount {
  readonly user: string;
  /** Names, the primary one first; numbers are made up. */
  readonly groups: readonly string[];
}

/** Address that every case comes from. */
export const CASE_ADDRESS = '192.0.2.7';
/** Where the module finds its file, in each worker's private mounts. */
export const CASE_CONF = '/etc/pam.d/duo-case.conf';

/** More at a time would only wait for the one process that plays Duo's cloud. */
const WORKERS = 2;

/** Runs all cases, and gives what came of each in their order. `folder` is one that may be filled. */
export async function runModule(
  cases: readonly ModuleCase[],
  accounts: readonly ModuleAccount[],
  folder: string,
): Promise<readonly ModuleRun[]> {
  const { module, libraries } = await unpackModule(folder);
  await writeSurroundings(folder, accounts);
  await mkdir(join(folder, 'cases'));
  for (const [at, { file }] of cases.entries()) {
    if (file.mode === null) continue;
    const path = join(folder, 'cases', String(at));
    await writeFile(path, file.bytes);
    await chmod(path, file.mode);
  }
  const workers = Array.from({ length: WORKERS }, async (_, worker) => {
    const stacks = join(folder, `pam.d.${worker}`);
    await mkdir(stacks);
    const line = `auth required ${module} conf=${CASE_CONF} debug\n`;
    for (const service of ['sshd', 'plain']) await writeFile(join(stacks, service), line);
    const mine = [...cases.entries()].filter(([at]) => at % WORKERS === worker);
    const list = mine.map(
      ([at, { service, user, answers }]) => `${at} ${service} ${user} ${answers ? 'y' : 'n'}\n`,
    );
    await mustRun(
      ['unshare', '-m', '--propagation', 'private', 'sh', '-c', WORKER, 'worker', folder, stacks],
      {
        input: list.join(''),
        env: { LD_LIBRARY_PATH: libraries },
        timeoutMs: 300_000,
      },
    );
  });
  await Promise.all(workers);
  return Promise.all(cases.map((_, at) => readRun(join(folder, `run.${at}`))));
}

/** FOLDER STACKS, a case a line on standard input. `cp -p` keeps the mode, which the module looks at. */
const WORKER = `set -eu
folder=$1
mount --bind "$2" /etc/pam.d
for file in passwd group nsswitch.conf hosts; do mount --bind "$folder/$file" "/etc/$file"; done
while read -r at service user answers; do
  rm -f ${CASE_CONF}
  [ ! -e "$folder/cases/$at" ] || cp -p "$folder/cases/$at" ${CASE_CONF}
  status=0
  if [ "$answers" = y ]; then printf '1\\n1\\n1\\n'; fi |
    timeout 100 pamtester -I rhost=${CASE_ADDRESS} "$service" "$user" authenticate \\
      >/dev/null 2>"$folder/run.$at" || status=$?
  printf '\\nstatus %s\\n' "$status" >>"$folder/run.$at"
done`;

async function readRun(path: string): Promise<ModuleRun> {
  const lines = (await readFile(path, 'latin1'))
    .split('\n')
    .map((line) => Buffer.from(line, 'latin1').toString('utf8'));
  const after = (start: RegExp): readonly string[] =>
    lines.flatMap((line) => (start.test(line) ? [line.replace(start, '')] : []));
  return {
    status: Number(after(/^status /).at(-1)),
    error: after(/^pamtester: /).at(-1) ?? '',
    // With `debug` the module logs to standard error, each line behind its priority.
    log: after(/^\[\d\] /),
  };
}

/** The module and its library from Debian's packages, of this machine's release where the lab has that. */
async function unpackModule(
  folder: string,
): Promise<{ readonly module: string; readonly libraries: string }> {
  const { packages } = await labBase(await releaseHere());
  const root = join(folder, 'root');
  for (const file of await readdir(packages)) await mustRun(['dpkg-deb', '-x', join(packages, file), root]);
  const found = (await readdir(root, { recursive: true })).find((path) => path.endsWith('/pam_duo.so'));
  if (found === undefined) throw new Error(`no pam_duo.so in ${packages}`);
  return { module: join(root, found), libraries: join(root, 'usr/lib/x86_64-linux-gnu') };
}

async function releaseHere(): Promise<LabRelease> {
  const words = await readFile('/etc/os-release', 'utf8');
  const releases: readonly LabRelease[] = ['bullseye', 'bookworm', 'trixie'];
  return releases.find((release) => words.includes(`VERSION_CODENAME=${release}`)) ?? 'bookworm';
}

const FIRST_ID = 5000;

async function writeSurroundings(folder: string, accounts: readonly ModuleAccount[]): Promise<void> {
  const groups = [...new Set(accounts.flatMap((account) => account.groups))];
  const idOf = (group: string | undefined): number => FIRST_ID + groups.indexOf(group ?? '');
  const passwd = accounts.map(
    // Duo is asked about the GECOS field where a file says so: it names the same user.
    ({ user, groups: [primary] }, at) => `${user}:x:${FIRST_ID + at}:${idOf(primary)}:${user}:/:/bin/sh\n`,
  );
  const members = (group: string): string =>
    accounts
      .filter(({ groups: [, ...others] }) => others.includes(group))
      .map(({ user }) => user)
      .join(',');
  const files = {
    passwd: `root:x:0:0:root:/root:/bin/sh\n${passwd.join('')}`,
    group: `root:x:0:\n${groups.map((group) => `${group}:x:${idOf(group)}:${members(group)}\n`).join('')}`,
    'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\n',
    hosts: `127.0.0.1 localhost ${LAB_DUO_HOST}\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

/** Takes away what `runModule` left. */
export const sweep = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
