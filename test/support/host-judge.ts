// What has become of a host, by somebody who does not know how the product works: its files, and who gets in.
import type { LabFleet, LabHost } from './lab.ts';
import { LAB_USERS } from './lab-hosts.ts';
import { runProcess } from './lab-process.ts';
import { automationGetsIn, hostState, sshAs } from './product.ts';
import type { Edit } from './fault.ts';

/** `old` and `new` are byte for byte; who gets in outweighs them. */
export type Became = 'old' | 'new' | 'between' | 'open' | 'locked';
export const BECAME: readonly Became[] = ['old', 'new', 'between', 'open', 'locked'];

/** What one host is in the one state and in the other. */
export interface HostStates {
  readonly old: string;
  readonly new: string;
  /** Which of them is the one with Duo. */
  readonly duo: 'old' | 'new';
}

/** What was found, and everything that is not as it must be. */
export interface Judgement {
  readonly became: Became;
  readonly complaints: readonly string[];
}

/** The bastion's further addresses: failures are tried from these, so that no penalty (PerSourcePenalties) is the controller's. */
const PROBES_FROM = [4, 5, 6, 7, 8, 9] as const;
export const probeAddress = (fleet: LabFleet, at: number): string =>
  fleet.network.bastion.replace(/\.1$/, `.${PROBES_FROM[at % PROBES_FROM.length]}`);

/** Who logs in as whom is decided for the whole fleet: Duo denies alice, whatever she does, and allows everybody else. */
export async function prepareJudge(fleet: LabFleet): Promise<void> {
  for (const at of PROBES_FROM.keys()) {
    const address = `${probeAddress(fleet, at)}/24`;
    await runProcess(['ip', '-n', fleet.bastion, 'addr', 'add', address, 'dev', 'br0']);
  }
  await fleet.duo.decide('alice', 'deny');
}

/** Looks at a host that is at rest, and tries its doors. `edits` are somebody else's, which may stay and must not be lost. */
export async function judge(
  fleet: LabFleet,
  host: LabHost,
  states: HostStates,
  edits: readonly Edit[] = [],
): Promise<Judgement> {
  const state = await hostState(host);
  const named = nameState(state, states, edits);
  const duo = duoIn(named, states);
  const of = named === 'old' ? states.old : states.new;
  const [opened, shut, left] = [
    await whoIsLetIn(fleet, host, duo),
    await whoIsShutOut(fleet, host, (await areTheStates(host, of, edits)) ? duo : 'unclear'),
    await leftovers(host),
  ];
  const lost = await editsLost(host, edits);
  const complaints = [...opened, ...shut, ...left, ...lost];
  if (named === 'between') complaints.push(`neither old nor new: ${differences(state, states)}`);
  const became = opened.length > 0 ? 'open' : shut.length > 0 ? 'locked' : named;
  return { became, complaints };
}

/** Whether the host is as the command leaves it where nothing strikes, but for edited files; and automation gets in, and nothing is left behind. */
export async function isNew(
  fleet: LabFleet,
  host: LabHost,
  states: HostStates,
  edits: readonly Edit[] = [],
): Promise<readonly string[]> {
  const state = await hostState(host);
  const complaints = [...(await leftovers(host))];
  if (nameState(state, { ...states, old: '' }, edits) !== 'new')
    complaints.push(`not as it should be: ${differences(state, { ...states, old: states.new })}`);
  if (!(await automationGetsIn(fleet, host))) complaints.push('automation does not get in with sudo');
  return complaints;
}

type Named = 'old' | 'new' | 'between';

/** Whether the host asks Duo; `unclear` between the two. */
type DuoIn = 'asked' | 'not asked' | 'unclear';
const duoIn = (named: Named, { duo }: HostStates): DuoIn =>
  named === 'between' ? 'unclear' : named === duo ? 'asked' : 'not asked';

/** An edited file is left out on both sides: by its path, in the list of files and in that of their digests. */
function nameState(state: string, states: HostStates, edits: readonly Edit[]): Named {
  const without = (text: string): string =>
    text
      .split('\n')
      .filter((line) => !edits.some(({ path }) => line.startsWith(`${path} `) || line.endsWith(`  ${path}`)))
      .join('\n');
  const is = without(state);
  if (is === without(states.old)) return 'old';
  return is === without(states.new) ? 'new' : 'between';
}

const DIFFERENCES_MAX = 6;

/** Lines that the nearer state has not, and lines of it that are missing. */
export function differences(state: string, states: HostStates): string {
  const lines = new Set(state.split('\n'));
  const [nearer] = [states.old, states.new]
    .map((other) => {
      const others = new Set(other.split('\n'));
      return [
        ...[...lines].filter((line) => !others.has(line)).map((line) => `+ ${line}`),
        ...[...others].filter((line) => !lines.has(line)).map((line) => `- ${line}`),
      ];
    })
    .toSorted((a, b) => a.length - b.length);
  return (nearer ?? []).slice(0, DIFFERENCES_MAX).join('; ');
}

/** Whether edited files are those of the state but for the edit: one that was left as somebody made it may be the other state's. */
async function areTheStates(host: LabHost, state: string, edits: readonly Edit[]): Promise<boolean> {
  const digests = edits.map(async ({ path, line }) => {
    const { stdout } = await host.shell(`grep -vxF -e '${line}' ${path} | sha256sum`);
    return `${stdout.split(' ')[0] ?? ''}  ${path}`;
  });
  const lines = state.split('\n');
  return (await Promise.all(digests)).every((digest) => lines.includes(digest));
}

/** One of each kind. */
const TRIED = ['automation', 'breakglass', 'alice', 'localuser', 'root'];

/** Nobody gets in with a wrong password, and no member of Duo's groups past a Duo that says no. */
async function whoIsLetIn(fleet: LabFleet, host: LabHost, duo: DuoIn): Promise<readonly string[]> {
  const found: string[] = [];
  for (const methods of ['password', 'keyboard-interactive']) {
    await Promise.all(
      LAB_USERS.filter(({ name }) => TRIED.includes(name)).map(async ({ name, key }, at) => {
        const how = {
          password: 'wrong-in-any-case',
          methods,
          from: probeAddress(fleet, at),
          keyOf: key ? name : 'automation',
        };
        const answer = await loginAnswer(fleet, host, name, how);
        if (answer === 'in') found.push(`${name} got in with a wrong password (${methods})`);
      }),
    );
  }
  // Before Duo a key alone was enough for her, and is again.
  if (duo === 'not asked') return found;
  for (const methods of ['publickey', 'publickey,keyboard-interactive']) {
    const answer = await loginAnswer(fleet, host, 'alice', { methods, from: probeAddress(fleet, 2) });
    if (answer === 'in') found.push(`alice, whom Duo denies, got in with her key (${methods})`);
  }
  return found;
}

/** Automation and break-glass get in and become root; a member gets in, whom Duo allows, or whose key is enough. */
async function whoIsShutOut(fleet: LabFleet, host: LabHost, duo: DuoIn): Promise<readonly string[]> {
  const found: string[] = [];
  if (!(await automationGetsIn(fleet, host))) found.push('automation does not get in with sudo');
  const password = LAB_USERS.find(({ name }) => name === 'breakglass')?.password ?? '';
  const root = await sshAs(fleet, host, 'breakglass', {
    password,
    keyOf: 'automation',
    command: `echo ${password} | sudo -S -p '' id -u`,
  });
  if (root.stdout.trim().split('\n').at(-1)?.trim() !== '0')
    found.push(`break-glass does not get in with sudo: ${root.stdout}${root.stderr}`.trim());
  if (duo === 'unclear') return found;
  // An sshd that was not told of its settings of before would still ask him for more than his key.
  const methods = duo === 'asked' ? 'publickey,keyboard-interactive' : 'publickey';
  const answer = await loginAnswer(fleet, host, 'bob', { methods });
  if (answer !== 'in')
    found.push(`bob, ${duo === 'asked' ? 'whom Duo allows' : 'whose key is enough'}, does not get in`);
  return found;
}

type Answer = 'in' | 'refused' | 'no answer';
const TRIES = 3;

/** A connection that was closed before anything was asked is no refusal: it is tried again. */
async function loginAnswer(
  fleet: LabFleet,
  host: LabHost,
  user: string,
  how: Parameters<typeof sshAs>[3],
): Promise<Answer> {
  for (let tries = 0; tries < TRIES; tries++) {
    const done = await sshAs(fleet, host, user, { ...how, command: 'echo is-in' });
    if (done.stdout.includes('is-in')) return 'in';
    // sshpass says 5 where it is asked a second time.
    if (
      done.code === 5 ||
      /Permission denied|Too many authentication failures/.test(`${done.stdout}${done.stderr}`)
    )
      return 'refused';
  }
  return 'no answer';
}

/** What is left of a transaction. Its watcher looks only twice a second whether it is over: what goes by itself has gone soon. */
async function leftovers(host: LabHost): Promise<readonly string[]> {
  let left = await leftNow(host);
  for (const end = Date.now() + SOON_MS; left.length > 0 && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    left = await leftNow(host);
  }
  return left;
}

const SOON_MS = 8_000;

/** What a transaction must not leave: its claim, its files, its units, its processes, its mounts; and what a boot must not do. */
async function leftNow(host: LabHost): Promise<readonly string[]> {
  const done = await host.shell(
    `find /var/lib/duo-fleet/active /var/lib/duo-fleet/tx -mindepth 1 2>/dev/null
     ls -d /var/lib/duo-fleet/active /etc/.duo-fleet /run/duo-fleet/lease 2>/dev/null
     find /etc /usr /lib /var/lib -xdev \\( -name '*.duo-fleet' -o -name '*duo-fleet-boot*' \\) 2>/dev/null
     # But for the far end of a connection that was cut, which sshd keeps until TCP, or the login's grace, gives it up.
     pgrep -fa '/[t]x/[^ ]*/in/guard.sh' | grep -v -e '/guard.sh lease ' -e '/guard.sh rehearse '
     grep -e ' - overlay duo-fleet ' -e ' /var/lib/duo-fleet/tx' /proc/self/mountinfo
     if [ -d /run/systemd/system ]; then
       systemctl list-units --state=active,activating,reloading,failed --plain --no-legend 'duo-fleet*'
       journalctl -b -q --no-pager -o cat -g 'ordering cycle' 2>/dev/null
     fi; :`,
  );
  return done.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `left behind: ${line}`);
}

async function editsLost(host: LabHost, edits: readonly Edit[]): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const { path, line } of edits) {
    const found = await host.shell(`grep -rqsF -e '${line}' ${path} /var/lib/duo-fleet/kept`);
    if (found.code !== 0) lost.push(`the edit of ${path} is lost`);
  }
  return lost;
}
