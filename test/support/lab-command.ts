// scripts/lab: the lab from a terminal.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { shellCommand } from '../../src/remote/shell-quote.ts';
import { downFleet, listFleets, openFleet, startFleet, type LabFleet, type LabHost } from './lab.ts';
import type { LoggedRequest } from './duo-answers.ts';
import { DUO_DECISIONS, type DuoDecision } from './duo-protocol.ts';
import { REPOSITORY_KINDS, type RepositoryKind } from './duo-repository.ts';
import { labBase } from './lab-base.ts';
import { LAB_HOSTS, numberedHosts } from './lab-hosts.ts';
import { wordsToEnter } from './lab-machine.ts';
import { fleetPaths, labCacheFolder } from './lab-paths.ts';

const USAGE = `Usage: scripts/lab COMMAND [--fleet NAME] ...

  setup                     install what the lab needs (Debian or Ubuntu, root)
  base [RELEASE...]         build the cached file systems (bookworm and trixie)
  up [HOST...] [--hosts N]  start hosts, or add them to a fleet (bookworm1 trixie2 ubuntu1); N numbered ones b01, b02, ...
  list                      the fleets that are up and their hosts
  inventory                 the fleet's inventory for duo-fleet, as YAML
  run CMD...                run a program in the bastion's network, where the hosts' names resolve
  shell HOST [CMD...]       a root shell in a host, past SSH, PAM and sudo
  ssh HOST [CMD...]         log in over SSH as automation
  reset HOST                as freshly installed
  power-off HOST            pull its plug
  boot HOST                 switch it on again
  partition HOST            pull its network cable
  heal HOST                 plug it in again
  repo KIND                 what Duo's repository holds from now on (see below)
  duo USER DECISION         what Duo says of a user from now on ('*': of all; see below)
  duo-log                   what Duo was asked, one request a line
  down                      take the fleet away (--all: every fleet)
  clean                     take everything away, cached bases too

KIND: ${Object.keys(REPOSITORY_KINDS).join(' ')}
DECISION: ${Object.keys(DUO_DECISIONS).join(' ')} default, and for '*' refuse

Fleets of different names (default: lab) share nothing. Hosts: ${LAB_HOSTS.map((host) => host.name).join(' ')}, b01 ...
The cache is $DUO_FLEET_LAB_CACHE or /var/cache/duo-fleet-lab.`;

interface Request {
  readonly fleet: string;
  readonly words: readonly string[];
  readonly hosts: number;
  readonly all: boolean;
}

const say = (line: string): void => void process.stderr.write(`lab: ${line}\n`);
const print = (text: string): void => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);

const COMMANDS: Readonly<Record<string, (request: Request) => Promise<number>>> = {
  base: async ({ words }) => {
    for (const release of words.length > 0 ? words : ['bookworm', 'trixie']) {
      print((await labBase(release as Parameters<typeof labBase>[0], say)).root);
    }
    return 0;
  },
  up: async ({ fleet, words, hosts }) => {
    const wanted = [...words, ...numberedHosts(hosts)];
    const names = wanted.length > 0 ? wanted : ['bookworm1', 'trixie2', 'ubuntu1'];
    printFleet(await startFleet({ name: fleet, hosts: names, say }));
    return 0;
  },
  list: async () => {
    for (const name of await listFleets()) {
      const fleet = await openFleet(name).catch(() => null);
      if (fleet === null)
        print(`${name}: was interrupted while it came up or went down; \`up\` or \`down\` it`);
      else printFleet(fleet);
    }
    return 0;
  },
  inventory: async ({ fleet }) => {
    print(await (await openFleet(fleet)).inventory());
    return 0;
  },
  run: async ({ fleet, words }) =>
    printWords(['ip', 'netns', 'exec', (await openFleet(fleet)).bastion, ...words]),
  shell: async ({ fleet, words: [name = '', ...command] }) => {
    await openFleet(fleet).then((opened) => opened.host(name));
    const argv = command.length > 0 ? ['/bin/sh', '-c', command.join(' ')] : ['/bin/bash', '-l'];
    return printWords(await wordsToEnter(fleetPaths(fleet).host(name), argv));
  },
  ssh: async ({ fleet, words: [name = '', ...command] }) => {
    const opened = await openFleet(fleet);
    const enter = ['ip', 'netns', 'exec', opened.bastion];
    const options = ['-o', `UserKnownHostsFile=${opened.knownHostsFile}`, '-o', 'BatchMode=yes'];
    const target = `automation@${opened.host(name).address}`;
    return printWords([...enter, 'ssh', '-F', 'none', '-i', opened.keyFile, ...options, target, ...command]);
  },
  reset: onHost((host) => host.reset()),
  'power-off': onHost((host) => host.powerOff()),
  boot: onHost((host) => host.boot()),
  partition: onHost((host) => host.partition()),
  heal: onHost((host) => host.heal()),
  repo: async ({ fleet, words: [kind = ''] }) => {
    await (await openFleet(fleet)).repository.set(kind as RepositoryKind);
    return 0;
  },
  duo: async ({ fleet, words: [user = '', decision = ''] }) => {
    await (await openFleet(fleet)).duo.decide(user, decision as DuoDecision);
    return 0;
  },
  'duo-log': async ({ fleet }) => {
    for (const request of await (await openFleet(fleet)).duo.requests()) print(requestLine(request));
    return 0;
  },
  down: async ({ fleet, all }) => {
    for (const name of all ? await listFleets() : [fleet]) await downFleet(name);
    return 0;
  },
  clean: async () => {
    for (const name of await listFleets()) await downFleet(name);
    // By name, never the folder itself: somebody may have pointed the variable at a folder of theirs.
    const ours = (await readdir(labCacheFolder()).catch(() => [])).filter((entry) =>
      /^(base-|repository-|signing)/.test(entry),
    );
    for (const entry of ours) await rm(join(labCacheFolder(), entry), { recursive: true, force: true });
    return 0;
  },
};

function onHost(work: (host: LabHost) => Promise<void>): (request: Request) => Promise<number> {
  return async ({ fleet, words }) => {
    const opened = await openFleet(fleet);
    for (const name of words) await work(opened.host(name));
    return 0;
  };
}

function printFleet(fleet: LabFleet): void {
  print(
    `${fleet.name}: bastion ${fleet.network.bastion} (namespace ${fleet.bastion}), automation's key ${fleet.keyFile}`,
  );
  for (const host of fleet.hosts) {
    const { distribution, codename } = host.spec.platform;
    print(`  ${host.name.padEnd(12)}${host.address.padEnd(16)}${distribution} ${codename}`);
  }
}

function requestLine(request: LoggedRequest): string {
  const time = new Date(request.atMs).toISOString().slice(11, 23);
  const parameters = Object.entries(request.parameters).map(
    ([key, value]) => `${key}=${JSON.stringify(value)}`,
  );
  return [time, request.status || 'silence', request.method, request.path, ...parameters].join(' ');
}

/**
 * Prints a command as shell text, for scripts/lab to become that program: a Ctrl-C, a signal by process id and the
 * program's end then go to and come from the program itself, with no process of ours in between to die first.
 */
function printWords(argv: readonly string[]): number {
  print(shellCommand(argv));
  return 0;
}

/** Options stand before a command's own words: what follows HOST or `run` belongs to the program that is run. */
function parseWords(argv: readonly string[]): { readonly command: string; readonly request: Request } {
  const [command = '--help', ...rest] = argv;
  const greedy = ['run', 'shell', 'ssh'].includes(command);
  const end = greedy ? ownOptionsEnd(rest) : rest.length;
  const { values, positionals } = parseArgs({
    args: rest.slice(0, end),
    options: {
      fleet: { type: 'string', default: 'lab' },
      hosts: { type: 'string', default: '0' },
      all: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const words = [...positionals, ...rest.slice(end)];
  return { command, request: { fleet: values.fleet, words, hosts: Number(values.hosts), all: values.all } };
}

function ownOptionsEnd(words: readonly string[]): number {
  let end = 0;
  while (words[end]?.startsWith('--fleet') === true) end += words[end] === '--fleet' ? 2 : 1;
  return end;
}

async function main(argv: readonly string[]): Promise<number> {
  const { command, request } = parseWords(argv);
  if (command === '--help' || command === 'help') {
    print(USAGE);
    return 0;
  }
  const run = COMMANDS[command];
  if (run === undefined) {
    process.stderr.write(`lab: there is no command '${command}'\n\n${USAGE}\n`);
    return 2;
  }
  return run(request);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
