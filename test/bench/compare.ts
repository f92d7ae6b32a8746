// scripts/bench: duo-fleet, Ansible, a shell script and a bare login, side by side on the same hosts.
//
// A report, never a test: what it measures depends on the machine, so only the ratios mean something, and they only
// because everybody runs in the same minutes on the same hosts.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { numberedHosts } from '../support/lab-hosts.ts';
import { downFleet, freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { benchReport, outcomes, type Kind, type Measurement } from './bench-report.ts';
import { ansible, duoFleet, login, script, writeScript, type Arena, type Contender } from './contenders.ts';
import { addPython, pythonLayer } from './python-layer.ts';

const USAGE = `Usage: scripts/bench [--hosts N] [--rounds N] [--only NAME,NAME] [--canary N] [--json FILE] [--keep]

Compares duo-fleet, ansible, script (a shell script over OpenSSH) and login (ssh HOST sudo -n true) on N fresh hosts of
the lab (10), in N rounds (3), and prints the medians and their ratios. About two minutes a round once the lab's base is built.

  --only    leave the others out (duo-fleet,ansible,script; logins are always measured)
  --canary  duo-fleet's --canary (0: all hosts at once, as the others do; its own default is one host first)
  --json    write every single measurement to a file as well
  --keep    leave the hosts running (scripts/lab down --fleet bench)`;

const FLEET = 'bench';
const HOSTS_MAX = 100;
const ROUNDS_MAX = 50;

interface Request {
  readonly hosts: number;
  readonly rounds: number;
  readonly only: readonly string[];
  readonly canary: string;
  readonly json: string | null;
  readonly keep: boolean;
}

const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

/** The request in `argv`; `null` when help is asked for; throws on what it does not understand. */
function readRequest(argv: readonly string[]): Request | null {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      hosts: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: 'duo-fleet,ansible,script' },
      canary: { type: 'string', default: '0' },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    hosts: wholeNumber('hosts', values.hosts, HOSTS_MAX),
    rounds: wholeNumber('rounds', values.rounds, ROUNDS_MAX),
    only: values.only.split(','),
    canary: values.canary,
    json: values.json ?? null,
    keep: values.keep,
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`--${name} takes a number from 1 to ${max}, not ${text}`);
}

async function main(argv: readonly string[]): Promise<number> {
  const request = readRequest(argv);
  if (request === null) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-bench-'));
  try {
    const fleet = await freshFleet({ name: FLEET, hosts: numberedHosts(request.hosts), say });
    const measurements = await compare({ fleet, folder, canary: request.canary }, request);
    await report(request, measurements);
    return 0;
  } finally {
    if (!request.keep) await downFleet(FLEET);
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(arena: Arena, request: Request): Promise<readonly Measurement[]> {
  const inventory = join(arena.folder, 'inventory.yml');
  await writeFile(inventory, await arena.fleet.inventory(), { mode: 0o600 });
  const everybody = [
    duoFleet(arena, inventory),
    ansible(arena, inventory),
    script(arena, await writeScript(arena)),
  ];
  const contenders = everybody.filter((contender) => request.only.includes(contender.name));
  const unknown = request.only.find((name) => !everybody.some((contender) => contender.name === name));
  if (unknown !== undefined) throw new Error(`--only: there is no contender '${unknown}'`);
  const python = await pythonLayer(say);
  const measurements: Measurement[] = [];
  for (let round = 0; round < request.rounds; round += 1) {
    // Who begins changes from round to round, so that what drifts on the machine meets everybody.
    const begins = round % contenders.length;
    for (const contender of [...contenders.slice(begins), ...contenders.slice(0, begins)]) {
      const turn = `${contender.name}-${round + 1}`;
      await renew(arena.fleet, python);
      measurements.push(...(await takeTurn(arena, contender, turn)));
      const [own] = measurements.slice(-2);
      say(
        `round ${round + 1} of ${request.rounds}: ${contender.name} ${Math.round(own?.durationMs ?? 0)} ms`,
      );
    }
  }
  return measurements;
}

/** All hosts as freshly installed, each with the same files; whoever is measured needs Python or does not. */
async function renew(fleet: LabFleet, python: string): Promise<void> {
  await inTurns(fleet.hosts, async (host) => {
    await host.reset();
    await addPython(host, python);
  });
}

/** A contender's first and second run on fresh hosts, with bare logins before and after as the yardstick. */
async function takeTurn(arena: Arena, contender: Contender, turn: string): Promise<readonly Measurement[]> {
  const bare = login(arena);
  // Not measured: a host's very first login reads everything from the disk.
  await timed(bare, turn, 'login');
  const before = await timed(bare, turn, 'login');
  const first = await timed(contender, `${turn}-first`, 'first');
  await Promise.all(arena.fleet.hosts.map((host) => mustBeDone(host, contender.name)));
  const again = await timed(contender, `${turn}-again`, 'unchanged');
  const after = await timed(bare, turn, 'login');
  return [before, after, first, again];
}

async function timed(contender: Contender, turn: string, kind: Kind): Promise<Measurement> {
  const from = performance.now();
  const finished = await contender.run(turn);
  const durationMs = performance.now() - from;
  const said = `${finished.stdout.slice(-SAID_CHARACTERS)}\n${finished.stderr.slice(-SAID_CHARACTERS)}`;
  if (finished.code !== 0)
    throw new Error(`${contender.name} (${kind}) ended with ${finished.code}:\n${said}`);
  if (kind === 'unchanged' && contender.unchanged?.(finished) === false)
    throw new Error(
      `${contender.name} changed something in its second run, so that run is not comparable:\n${said}`,
    );
  return { contender: contender.name, kind, durationMs };
}

const SAID_CHARACTERS = 4000;

/** A contender that did less than the others would look fast: throws unless the host is as it has to be. */
async function mustBeDone(host: LabHost, contender: string): Promise<void> {
  const done = await host.shell(DONE, { timeoutMs: 30_000 });
  if (done.code !== 0)
    throw new Error(`${contender} left ${host.name} half-done: ${done.stdout}${done.stderr}`);
}

const DONE = `set -ex
[ "$(dpkg-query -W -f '\${db:Status-Status}' duo-unix)" = installed ]
[ "$(dpkg-query -W -f '\${db:Status-Status}' libpam-duo 2>/dev/null)" != installed ]
[ "$(stat -c %a%U /etc/duo/pam_duo.conf)" = 600root ]
grep -q '^failmode = safe' /etc/duo/pam_duo.conf
grep -q 'pam_duo.so' /etc/pam.d/sshd
grep -q 'pam_duo.so' /etc/pam.d/sudo
grep -q 'timestamp_timeout=30' /etc/sudoers.d/sudo_timestamp_timeout
sshd -T -C user=alice,host=h,addr=198.18.0.1 | grep -qx 'authenticationmethods publickey,keyboard-interactive'
sshd -T -C user=automation,host=h,addr=198.18.0.1 | grep -qx 'authenticationmethods publickey'
systemctl is-active ssh`;

async function report(request: Request, measurements: readonly Measurement[]): Promise<void> {
  const machine = `${availableParallelism()} processors (${cpus()[0]?.model.trim() ?? 'unknown'})`;
  const lines = benchReport(measurements, { hosts: request.hosts, rounds: request.rounds, machine });
  process.stdout.write(`${lines.join('\n')}\n`);
  if (request.json === null) return;
  const document = { ...request, machine, measurements, outcomes: outcomes(measurements) };
  await writeFile(request.json, `${JSON.stringify(document, null, 2)}\n`);
}

/** Resets at a time; more only make each of them slower on a small machine. */
const RESETS_AT_ONCE = 6;

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: RESETS_AT_ONCE }, worker));
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
