// What must hold of an apply, whatever disturbs it: at its verdict, when the dust has settled, and after the next run.
import { isDeepStrictEqual } from 'node:util';
import type { RunEvent } from '../../src/core/event.ts';
import { foldRun } from '../../src/core/run-state.ts';
import { isUnfinished, standingsOf } from '../../src/core/standing.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { journalLine, parseJournal } from '../../src/engine/journal.ts';
import { complaintsAbout, leftBehind, liveIs, rowComplaints, standsWrong } from './fake-host-checker.ts';
import type { Scene } from './fake-host-scene.ts';
import { situationScene, type Situation } from './fault-situations.ts';
import type { SeededBug } from './seeded-bugs.ts';

/** Longer than a lease, a power loss, a revert with its retries, and whatever was still on its way. */
const DUST_MS = 1_000_000;

/** Lets one situation happen, with a bug in it or none, and gives every law that does not hold, in words. */
export const complaintsIn = async (
  situation: Situation,
  bug: SeededBug | null = null,
): Promise<readonly string[]> => {
  const scene = situationScene(situation.locks);
  scene.host.duties = { ...scene.host.duties, ...bug?.duties };
  const buggy: Scene = {
    ...scene,
    apply: (given = {}) => scene.apply({ ...given, ...bug?.deps?.(scene, given) }),
  };
  const disturbance = situation.disturb(buggy);
  const lockOuts = situation.locks ? [] : watchLogins(scene);
  const result = await (disturbance.run ?? buggy.apply)();
  const isPowered = scene.host.memory.powered;
  const atOnce = atVerdict(scene, result);
  await scene.time.pass(DUST_MS);
  const happened = disturbance.happened();
  const due = disturbance.expected();
  const found = [
    ...(happened === due ? [] : [`${happened} of ${due} faults have happened`]),
    ...atOnce,
    ...lockOuts,
    ...(result === null
      ? [...standsWrong(scene), ...leftBehind(scene)]
      : complaintsAbout(scene, result).filter((one) => isPowered || !one.startsWith('stranded, '))),
    ...journalComplaints(scene, result),
    ...(await nextRun(scene, situation)),
  ];
  const left = disturbance.left?.() ?? [];
  return found.filter((complaint) => !left.includes(complaint));
};

/** Nobody is shut out for a moment; what is there now is looked at before each action. */
const watchLogins = (scene: Scene): readonly string[] => {
  const found: string[] = [];
  const { onAction } = scene.host;
  scene.host.onAction = (number, action) => {
    if (!scene.host.letsIn()) found.push(`nobody gets in before ${action}`);
    onAction(number, action);
  };
  return found;
};

/** A verdict is final when it is given, unless nobody could ask the host: then it is no more than that. */
const atVerdict = ({ host, link, ...scene }: Scene, result: HostResult | null): readonly string[] => {
  if (result === null || result.verdict === 'stranded' || !host.memory.powered || link.stayedDead())
    return [];
  if (scene.time.nowMs() < link.deadUntilMs) return [];
  return host.disk.active === null ? [] : [`${result.verdict}, and ${host.disk.active} still holds the host`];
};

/** The journal is read back as it was written, and tells where the host stands. */
const journalComplaints = (scene: Scene, result: HostResult | null): readonly string[] => {
  const run = 'run-1';
  const { host } = scene;
  const events: readonly RunEvent[] = [
    { type: 'run-started', run, command: 'apply', operator: '', hosts: [host.name], version: '' },
    ...scene.events,
    ...(result === null ? [] : [{ type: 'host-ended', result } as const]),
  ];
  const written = events.map((event, seq) => ({ ...event, seq, at: seq }));
  const read = parseJournal(written.map(journalLine).join(''));
  const state = foldRun(read.events);
  const [standing] = standingsOf(run, [{ run, state }]);
  const tx = [...host.disk.ended.keys(), ...host.disk.transactions.keys()].at(-1) ?? null;
  const isOpen = result === null || result.verdict === 'stranded';
  return [
    ...(read.damage.length === 0 && isDeepStrictEqual(read.events, written)
      ? []
      : ['the journal is not read back']),
    ...(isDeepStrictEqual(state, foldRun(written)) ? [] : ['the journal replays to another state']),
    ...(tx === null || state.hosts.get(host.name)?.tx === tx
      ? []
      : ['the host has a transaction that the journal does not name']),
    ...(standing !== undefined && isUnfinished(standing) === isOpen
      ? []
      : ['whether there is something to resume is not what the verdict says']),
  ];
};

/** A run that nothing disturbs brings the host to what is declared, unless that would shut everybody out. */
const nextRun = async (scene: Scene, { locks }: Situation): Promise<readonly string[]> => {
  const before = liveIs(scene);
  scene.link.plan = [];
  scene.link.deadUntilMs = 0;
  scene.link.onOperation = () => undefined;
  scene.journal.fullAt = () => false;
  scene.host.onAction = () => undefined;
  scene.events.splice(0);
  const { verdict } = await scene.apply();
  await scene.time.pass(DUST_MS);
  const due = locks ? ['rolled-back', 'old'] : [before === 'new' ? 'unchanged' : 'confirmed', 'new'];
  const found = [verdict, liveIs(scene)];
  return [
    ...(isDeepStrictEqual(found, due) ? [] : [`the next run ends ${found.join(' and ')}`]),
    ...[...standsWrong(scene), ...leftBehind(scene), ...rowComplaints(scene.events)].map(
      (complaint) => `after the next run: ${complaint}`,
    ),
  ];
};
