// What the picture of many hosts costs: simulated hosts at full speed, in simulated minutes. scripts/bench picture [HOSTS]
import type { RunEvent, TaskId } from '../../src/core/event.ts';
import { fleetView } from '../../src/view/fleet-view.ts';
import { paintFor } from '../../src/view/paint.ts';
import { resultOf } from '../support/run-scene.ts';

const TASKS: readonly TaskId[] = [
  'connect',
  'observe',
  'assess',
  'preflight',
  'claim',
  'download',
  'stage',
  'rehearse',
  'activate',
  'packages',
  'pam-sshd',
  'canary',
  'confirm',
];
const FORKS = 20;
const TASK_MS = 40;

const hosts = Array.from(
  { length: Number(process.argv[2] ?? 500) },
  (_none, at) => `web${at + 1}.example.com`,
);
let bytes = 0;
let seq = 0;
const before = process.cpuUsage();
const view = fleetView({
  hosts,
  paint: paintFor(true),
  terminal: () => ({ lines: 40, columns: 120 }),
  writeRaw: (text) => {
    bytes += text.length;
  },
  nowMs: Date.now,
});
const show = (event: RunEvent): void => view.show({ ...event, seq: (seq += 1), at: Date.now() });
const left = hosts.values();
const work = async (): Promise<void> => {
  for (const host of left) {
    show({ type: 'host-started', host });
    for (const task of TASKS) {
      show({ type: 'task-started', host, task });
      // oxlint-disable-next-line no-await-in-loop -- a host does one thing after another
      await new Promise((resolve) => setTimeout(resolve, TASK_MS));
      show({ type: 'task-ended', host, task, note: '' });
    }
    show({ type: 'host-ended', result: resultOf(host) });
  }
};
const startedMs = Date.now();
await Promise.all(Array.from({ length: FORKS }, work));
await view.close();
const { user, system } = process.cpuUsage(before);
const seconds = (Date.now() - startedMs) / 1000;
console.log(
  `${hosts.length} hosts, ${seq} events in ${seconds.toFixed(1)} s: ${((user + system) / 1e6).toFixed(2)} s of processor time, ${bytes} bytes drawn`,
);
