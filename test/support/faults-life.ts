// Faults that end a life, or stop it: the controller's, the host's, a process's.
import {
  between,
  EVERY_ROW,
  must,
  PASSED,
  ROWS,
  type Fault,
  type FaultPlace,
  type Healing,
} from './fault.ts';
import { pick } from './dice.ts';
import type { LabHost } from './lab.ts';
import { until } from './lab-process.ts';
import type { UnderWay } from './product.ts';
import {
  continueInit,
  forksFailed,
  freeze,
  freeProcesses,
  limitProcesses,
  stopInit,
  thaw,
} from './lab-strain.ts';

const killController = async (run: UnderWay): Promise<void> => {
  run.kill();
  const code = await run.ended;
  if (code !== -1) throw new Error(`the run ended with ${code} before it could be killed`);
};

const controllerKilled: Fault = {
  kind: 'controller-killed',
  what: 'the program is killed (kill -9)',
  rows: EVERY_ROW,
  strike: async (_place, run) => {
    await killController(run);
    return PASSED;
  },
};

const losePower = async ({ host }: FaultPlace): Promise<void> => {
  await host.powerOff();
  if (await host.isOn()) throw new Error(`${host.name} still has power`);
};

const powerLost: Fault = {
  kind: 'power-lost',
  what: 'the host loses its power (PID 1 is killed), and boots',
  on: ({ init }) => init === 'systemd',
  rows: EVERY_ROW,
  strike: async (place) => {
    await losePower(place);
    return { when: between(place.dice, 0, 3), heal: () => place.host.boot('systemd') };
  },
};

const powerLostTwice: Fault = {
  kind: 'power-lost-twice',
  what: 'the host loses its power, and again while it boots',
  on: ({ init }) => init === 'systemd',
  rows: [...ROWS.activation, ...ROWS.after],
  strike: async (place) => {
    const { host, dice } = place;
    await losePower(place);
    // A boot takes some half a second here; what it puts back, it puts back early.
    const booting = host.boot('systemd').catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 150 + dice(900)));
    await losePower(place);
    await booting;
    return { when: between(dice, 0, 2), heal: () => host.boot('systemd') };
  },
};

const shutDown: Fault = {
  kind: 'shut-down',
  what: 'somebody shuts the host down in good order, and it boots',
  on: ({ init }) => init === 'systemd',
  rows: [...ROWS.before, ...ROWS.activation, ...ROWS.after],
  strike: async (place) => {
    const { host } = place;
    await host.shell('systemctl poweroff --no-block');
    const isOff = await within(90, async () => !(await host.isOn()));
    if (!isOff) throw new Error(`${host.name} does not shut down`);
    // What is left of it are its control groups.
    await host.powerOff();
    return { when: between(place.dice, 0, 2), heal: () => host.boot('systemd') };
  },
};

/** Kills what pkill(1) finds by these words, as soon as it finds any: a row may begin before it is there. */
const killOnceThere = (host: LabHost, words: string): Promise<string> =>
  must(host, `n=0; until pkill -KILL ${words}; do n=$((n + 1)); [ $n -lt 400 ] || exit 1; sleep 0.01; done`);

const GUARD = '/[t]x/[^ ]*/in/guard.sh';

const guardKilled: Fault = {
  kind: 'guard-killed',
  what: 'all of the guard’s processes on the host are killed, and the program too',
  rows: [...ROWS.before, ...ROWS.activation, ...ROWS.after],
  // Without systemd nobody starts the watcher again: told in README ("What it does not do").
  on: ({ init }) => init === 'systemd',
  strike: async ({ host }, run) => {
    await killOnceThere(host, `-f '${GUARD}'`);
    await killController(run);
    return PASSED;
  },
};

const dpkgKilled: Fault = {
  kind: 'dpkg-killed',
  what: 'dpkg or apt-get, whichever is at work, is killed in the middle of the package transaction',
  rows: ['packages'],
  strike: async ({ host, dice, command }) => {
    const victim = pick(dice, command.packageTools);
    await killOnceThere(host, `-x '${victim}'`);
    return PASSED;
  },
};

const hostHangs: Fault = {
  kind: 'host-hangs',
  what: 'every process of the host stands still for some seconds, and goes on',
  rows: EVERY_ROW,
  strike: async ({ fleet, host, dice }) => {
    await freeze(fleet, host);
    return { when: between(dice, 2, 45), heal: () => thaw(fleet, host) };
  },
};

const sessionsHang: Fault = {
  kind: 'sshd-hangs',
  what: 'sshd and its sessions stand still for some seconds; the kernel goes on taking connections',
  on: ({ init }) => init === 'systemd',
  rows: EVERY_ROW,
  strike: async ({ fleet, host, dice }) => {
    await freeze(fleet, host, 'ssh.service');
    return { when: between(dice, 2, 45), heal: () => thaw(fleet, host) };
  },
};

const initHangs: Fault = {
  kind: 'init-hangs',
  what: 'PID 1 stands still for some seconds: no unit starts, no process is reaped',
  rows: EVERY_ROW,
  strike: async ({ fleet, host, dice }) => {
    await stopInit(fleet, host);
    return { when: between(dice, 2, 45), heal: () => continueInit(fleet, host) };
  },
};

/** A watcher forks twice a second, and its shell ends where it cannot. */
const FORK_WAIT_MS = 600;

/** Forks fail for so many seconds. */
const fullTable = async ({ fleet, host, dice }: FaultPlace, longestS: number): Promise<Healing> => {
  const before = await forksFailed(fleet, host);
  const more = dice(3) - 3;
  // Fewer than there are: what ends makes no room for another. Again where so many ended that there was room all the same.
  await until(`a fork to fail on ${host.name}`, async () => {
    await limitProcesses(fleet, host, more);
    await new Promise((resolve) => setTimeout(resolve, FORK_WAIT_MS));
    return (await forksFailed(fleet, host)) > before;
  });
  return { when: between(dice, 2, longestS), heal: () => freeProcesses(fleet, host) };
};

const processesFull: Fault = {
  kind: 'processes-full',
  what: 'the host has hardly any process left for some seconds: forks fail',
  rows: EVERY_ROW,
  strike: (place) => fullTable(place, 35),
};

const processesFullAlone: Fault = {
  kind: 'processes-full-alone',
  what: 'the same, while the program is killed',
  rows: [...ROWS.activation, ...ROWS.after],
  // Without systemd nobody starts the watcher again: told in README ("What it does not do").
  on: ({ init }) => init === 'systemd',
  strike: async (place, run) => {
    const healing = await fullTable(place, 25);
    await killController(run);
    return healing;
  },
};

const within = async (limitS: number, condition: () => Promise<boolean>): Promise<boolean> => {
  for (const end = Date.now() + limitS * 1000; Date.now() < end;) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
};

export const LIFE_FAULTS: readonly Fault[] = [
  controllerKilled,
  powerLost,
  powerLostTwice,
  shutDown,
  guardKilled,
  dpkgKilled,
  hostHangs,
  sessionsHang,
  initHangs,
  processesFull,
  processesFullAlone,
];
