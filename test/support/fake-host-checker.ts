// Looks at a scene after an apply and says what it finds wrong. Knows nothing of how the engine works: only what is
// promised about the host, the verdict and the events.
import type { RunEvent } from '../../src/core/event.ts';
import { RECOVER_COMMAND } from '../../src/core/remote.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { BREAK_GLASS_PASSWORD, sshdSettings, type LiveState } from './fake-host.ts';
import { newState, oldState, SKEY, WRONG_PASSWORD, type Scene } from './fake-host-scene.ts';

/** One text for a state, so that two can be compared. */
const textOf = (state: LiveState): string =>
  JSON.stringify([
    [...state.files].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [...state.packages].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);

/** Whether what is live is entirely what was, entirely what is declared, or neither. */
export const liveIs = (scene: Scene): 'old' | 'new' | 'mixed' => {
  const live = textOf(scene.host);
  if (live === textOf(oldState)) return 'old';
  return live === textOf(newState) ? 'new' : 'mixed';
};

/** What is left on a host whose transaction has ended. */
export const leftBehind = ({ host, link }: Scene): readonly string[] => [
  ...(host.disk.active === null ? [] : [`the claim of ${host.disk.active} is not released`]),
  ...(host.disk.armed === null ? [] : [`the boot unit of ${host.disk.armed} is still there`]),
  ...(host.disk.staged.size === 0 ? [] : ['staged files are left']),
  ...(host.disk.transactions.size === 0 ? [] : ['a folder of a transaction is left']),
  ...(host.memory.watcher === null ? [] : ['the guard still watches']),
  ...(host.memory.units.size === 0 ? [] : [`units still run: ${[...host.memory.units.keys()].join(', ')}`]),
  ...(link.open() === 0 ? [] : [`${link.open()} connections were not closed`]),
];

/** What a run was to make of the host; before it was the other one. */
export type Goal = 'new' | 'old';

/** The host as it stands: somebody gets in, sshd has read what its files say, and its records are true. */
export const standsWrong = (scene: Scene, goal: Goal = 'new'): readonly string[] => {
  const { host } = scene;
  const live = liveIs(scene);
  const record = [...host.disk.ended.values()].at(-1);
  return [
    ...(live === 'mixed' ? ['the host is neither old nor new'] : []),
    ...(host.letsIn() ? [] : ['nobody gets in']),
    ...(host.memory.sshd === sshdSettings(host) ? [] : ['sshd runs with other settings than its files say']),
    ...(record !== undefined && record.startsWith('confirmed') !== (live === goal)
      ? [`the record says ${record}, and the host is ${live}`]
      : []),
  ];
};

const verdictAgainstHost = (scene: Scene, result: HostResult, goal: Goal): readonly string[] => {
  const live = liveIs(scene);
  switch (result.verdict) {
    case 'confirmed':
      return live === goal ? [] : [`confirmed, and the host is ${live}`];
    case 'refused':
    case 'unreachable':
    case 'rolled-back':
      return live === (goal === 'new' ? 'old' : 'new') ? [] : [`${result.verdict}, and the host is ${live}`];
    case 'stranded':
      return scene.link.stayedDead() ? [] : ['stranded, and the host could be asked'];
    case 'unchanged':
    case 'skipped':
    case 'compliant':
    case 'drifted':
    case 'planned':
      return [`${result.verdict} is no verdict of this apply`];
    default:
      return result.verdict satisfies never;
  }
};

/** Each row that was started is ended or failed exactly once, and nothing ends that was not started. */
export const rowComplaints = (events: readonly RunEvent[]): readonly string[] => {
  const complaints: string[] = [];
  const open = new Map<string, number>();
  for (const event of events) {
    if (event.type === 'task-started') open.set(event.task, (open.get(event.task) ?? 0) + 1);
    if (event.type !== 'task-ended' && event.type !== 'task-failed') continue;
    const left = (open.get(event.task) ?? 0) - 1;
    if (left < 0) complaints.push(`${event.type} ${event.task}, which was not open`);
    open.set(event.task, Math.max(left, 0));
  }
  for (const [task, count] of open) if (count > 0) complaints.push(`${task} was started and never ended`);
  return complaints;
};

/** No secret in anything that is written down or shown. */
export const secretComplaints = (scene: Scene, result: HostResult): readonly string[] => {
  const written = JSON.stringify([scene.events, result]);
  return [SKEY, WRONG_PASSWORD, BREAK_GLASS_PASSWORD, 'nonce-that-nobody-may-see'].filter((secret) =>
    written.includes(secret),
  );
};

/** Everything that is wrong after a run whose dust has settled; a full journal's open rows are forgiven. */
export const complaintsAbout = (scene: Scene, result: HostResult, goal: Goal = 'new'): readonly string[] => [
  ...verdictAgainstHost(scene, result, goal),
  ...standsWrong(scene, goal),
  ...leftBehind(scene),
  ...(scene.journal.isFull() ? [] : rowComplaints(scene.events)),
  ...secretComplaints(scene, result),
  ...(result.verdict === 'stranded' && result.failure?.message.includes(RECOVER_COMMAND) !== true
    ? ['stranded, and nobody is told what to type at the console']
    : []),
  ...(result.verdict === 'confirmed' || result.failure !== null
    ? []
    : [`${result.verdict} without a failure`]),
];
