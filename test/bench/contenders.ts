// Who takes part: how each of them is told to bring all hosts of a fleet to the same state.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { duoRepository } from '../support/duo-repository.ts';
import { LAB_CA_FILE, LAB_DUO_HOST, LAB_IKEY, LAB_REPOSITORY_HOST, LAB_SKEY } from '../support/lab-hosts.ts';
import { REPOSITORY_ROOT } from '../support/lab-paths.ts';
import type { Finished } from '../support/lab-process.ts';
import type { LabFleet } from '../support/lab.ts';

/** Hosts at a time, for every contender. */
export const FORKS = 20;
const RUN_TIMEOUT_MS = 900_000;

/** One of those who are compared. */
export interface Contender {
  readonly name: string;
  /** Runs over all hosts once; `turn` is a name that no other run has. */
  readonly run: (turn: string) => Promise<Finished>;
  /** What in its output shows that a run found nothing to do; `null` when it does not say. */
  readonly unchanged: ((finished: Finished) => boolean) | null;
}

/** What contenders are made from; `folder` is a temporary one for what they need. */
export interface Arena {
  readonly fleet: LabFleet;
  readonly folder: string;
  /** For duo-fleet's --canary. */
  readonly canary: string;
}

const BENCH = join(REPOSITORY_ROOT, 'test/bench');

const sshOptions = ({ keyFile, knownHostsFile }: LabFleet): readonly string[] => {
  const settings = ['BatchMode=yes', 'IdentitiesOnly=yes', `UserKnownHostsFile=${knownHostsFile}`];
  return ['-F', 'none', '-i', keyFile, '-l', 'automation', ...settings.flatMap((setting) => ['-o', setting])];
};

/** The same command over OpenSSH on all hosts, `FORKS` at a time; `input` is a file or /dev/null. */
const everywhere = (arena: Arena, command: string, input: string): Promise<Finished> => {
  const script = 'input=$1; command=$2; host=$3; shift 3; exec ssh "$@" "$host" "$command" <"$input"';
  const hosts = arena.fleet.hosts.map((host) => host.name).join('\n');
  const words = ['sh', '-c', script, 'sh', input, command, '{}', ...sshOptions(arena.fleet)];
  return arena.fleet.run(['xargs', '-P', String(FORKS), '-I', '{}', ...words], {
    input: `${hosts}\n`,
    timeoutMs: RUN_TIMEOUT_MS,
  });
};

/** A login that does nothing but prove that it could: what no tool over OpenSSH can be faster than. */
export const login = (arena: Arena): Contender => ({
  name: 'login',
  run: () => everywhere(arena, 'sudo -n true', '/dev/null'),
  unchanged: null,
});

/** apply.sh through ssh and sudo. */
export const script = (arena: Arena, file: string): Contender => ({
  name: 'script',
  run: () => everywhere(arena, 'sudo -n sh -s', file),
  // It prints what it changed.
  unchanged: (finished) => finished.stdout.trim() === '',
});

/** Writes the file that goes through ssh: apply.sh behind its variables. Gives its path. */
export const writeScript = async (arena: Arena): Promise<string> => {
  const { keyFile } = await duoRepository(['bookworm']);
  const variables = {
    repo_key: (await readFile(keyFile, 'utf8')).trim(),
    repo_url: `http://${LAB_REPOSITORY_HOST}`,
    ikey: LAB_IKEY,
    skey: LAB_SKEY,
    api_host: LAB_DUO_HOST,
    ca_file: LAB_CA_FILE,
    access_group: 'sg_serveraccess',
    sudo_group: 'sg_sudo',
    break_glass: 'breakglass',
    sources: '198.18.0.0/15',
    automation: 'automation',
  };
  // None of them holds a quote.
  const lines = Object.entries(variables).map(([name, value]) => `${name}='${value}'\n`);
  const file = join(arena.folder, 'apply.sh');
  await writeFile(file, lines.join('') + (await readFile(join(BENCH, 'apply.sh'), 'utf8')), { mode: 0o600 });
  return file;
};

/** The play under ansible/, with what is known to make Ansible fast. */
export const ansible = (arena: Arena, inventory: string): Contender => ({
  name: 'ansible',
  run: async (turn) => {
    // Ansible keeps connections open for the next run, and the next run of a real fleet comes tomorrow.
    const connections = join(arena.folder, turn);
    await mkdir(connections);
    const options = `-o UserKnownHostsFile=${arena.fleet.knownHostsFile} -o ControlMaster=auto -o ControlPersist=30s`;
    return arena.fleet.run(['ansible-playbook', '-i', inventory, join(BENCH, 'ansible/site.yml')], {
      env: {
        ANSIBLE_CONFIG: join(BENCH, 'ansible/ansible.cfg'),
        ANSIBLE_FORKS: String(FORKS),
        ANSIBLE_HOME: arena.folder,
        ANSIBLE_LOCAL_TEMP: join(arena.folder, 'ansible'),
        ANSIBLE_SSH_ARGS: options,
        ANSIBLE_SSH_CONTROL_PATH_DIR: connections,
        LC_ALL: 'C.UTF-8',
      },
      timeoutMs: RUN_TIMEOUT_MS,
    });
  },
  unchanged: (finished) => !/changed=[1-9]/.test(finished.stdout),
});

/** duo-fleet as it is built, with its own proofs: rehearsal, canary logins, a lease that reverts. */
export const duoFleet = (arena: Arena, inventory: string): Contender => ({
  name: 'duo-fleet',
  run: async () => {
    const options = ['--yes', '--json', '--forks', String(FORKS)];
    const hostKeys = ['--known-hosts', arena.fleet.knownHostsFile];
    const program = [process.execPath, join(REPOSITORY_ROOT, 'dist/main.js')];
    return arena.fleet.run([...program, 'apply', inventory, ...options, ...hostKeys], {
      env: {
        HOME: arena.folder,
        XDG_STATE_HOME: join(arena.folder, 'state'),
        DUO_FLEET_CANARY: arena.canary,
      },
      timeoutMs: RUN_TIMEOUT_MS,
    });
  },
  unchanged: (finished) => {
    const document = JSON.parse(finished.stdout) as {
      readonly hosts: readonly { readonly verdict: string }[];
    };
    return document.hosts.every((host) => host.verdict === 'unchanged');
  },
});
