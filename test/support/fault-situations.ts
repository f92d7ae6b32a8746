// What may happen to an apply, place by place: every operation meets every fault, every action a power loss, every event a
// full journal or the controller's end. In the style of SQLite's tests: the places are those of an apply that nothing disturbs.
import type { RunEvent } from '../../src/core/event.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { applyUntilKilled } from './fake-controller.ts';
import { boot, powerOff, runGuard } from './fake-host-guard.ts';
import { FAULTS } from './fake-host-link.ts';
import { makeScene, oldState, settingsWithPeople, type Scene } from './fake-host-scene.ts';

/** What happens in one scene. */
export interface Disturbance {
  /** How many of its faults have happened, and how many must have. */
  readonly happened: () => number;
  readonly expected: () => number;
  /** Runs to a verdict; `null` where the controller did not live to have one. */
  readonly run?: () => Promise<HostResult | null>;
  /** What nobody but a later run clears up. */
  readonly left?: () => readonly string[];
}

/** One way in which an apply is disturbed. */
export interface Situation {
  readonly family: string;
  readonly place: string;
  readonly name: string;
  /** Whether what is declared shuts everybody out, so that no canary can be had. */
  readonly locks: boolean;
  readonly disturb: (scene: Scene) => Disturbance;
}

/** With people whose logins are tried beside automation's, since each of them is an operation that may fail. */
export const situationScene = (locks: boolean): Scene => {
  const scene = makeScene(oldState, settingsWithPeople);
  const stack = (): string | undefined => scene.host.files.get('/etc/pam.d/sshd')?.text;
  const before = stack();
  if (locks) scene.host.letsIn = () => stack() === before;
  return scene;
};

const eventName = (event: RunEvent): string => ('task' in event ? `${event.type} ${event.task}` : event.type);

/** What an apply does when nothing disturbs it, or no more than is said. */
const course = async (disturb: (scene: Scene) => void, locks = false) => {
  const scene = situationScene(locks);
  const actions: string[] = [];
  scene.host.onAction = (_number, action) => actions.push(action);
  disturb(scene);
  const result = await scene.apply();
  const { operations } = scene.link;
  const asked = [...operations];
  await scene.time.pass(600_000);
  return { result, operations: asked, actions, events: scene.events.map(eventName) };
};

/** An apply that nothing disturbs. */
export const undisturbed = await course(() => undefined);
const lockedOut = await course(() => undefined, true);
const AT_CONFIRM = undisturbed.operations.indexOf('guard confirm');
const revertPlan = [{ at: AT_CONFIRM, fault: 'request-lost' }] as const;
const reverted = await course((scene) => {
  scene.link.plan = revertPlan;
});

const place = (what: string, index: number, name: string): string => `${what} ${index}, ${name}`;

const meetsFaults = (locks: boolean, always: boolean): readonly Situation[] =>
  (locks ? lockedOut : undisturbed).operations.flatMap((operation, at) =>
    FAULTS.map((fault) => ({
      family: `an operation meets a fault${always ? ', and so does every later one' : ''}${locks ? ', and what is declared shuts everybody out' : ''}`,
      place: place('operation', at, operation),
      name: fault,
      locks,
      disturb: ({ link }) => {
        link.plan = [{ at, fault, always }];
        return { happened: link.fired, expected: () => 1 };
      },
    })),
  );

/** Where the way to an end begins: after each of these the engine has to ask the host what became of it. */
const FIRST = [
  { operation: 'guard prepare', fault: 'reply-lost' },
  { operation: 'guard activate', fault: 'reply-lost' },
  { operation: 'guard activate', fault: 'no-answer' },
  { operation: 'guard confirm', fault: 'request-lost' },
  { operation: 'guard confirm', fault: 'reply-lost' },
  { operation: 'guard confirm', fault: 'no-answer' },
] as const;
/** Operations after the first fault that meet a second one: more than the engine needs to come to an end. */
const AFTER_MAX = 8;

const meetsTwoFaults = FIRST.flatMap((first) => {
  const at = undisturbed.operations.indexOf(first.operation);
  return FAULTS.flatMap((fault) =>
    Array.from({ length: AFTER_MAX }, (_none, index): Situation => ({
      family: 'a second fault on the way to an end',
      place: `after ${first.operation} met ${first.fault}`,
      name: `operation ${index + 1} from there meets ${fault}`,
      locks: false,
      disturb: ({ link }) => {
        const second = at + index + 1;
        link.plan = [
          { at, fault: first.fault },
          { at: second, fault },
        ];
        return { happened: link.fired, expected: () => (link.operations.length > second ? 2 : 1) };
      },
    })),
  );
});

const FOLDER_LEFT = 'a folder of a transaction is left';

/** How long the host stays down: shorter than the lease, and longer than the engine waits for it. */
const DOWN_MS = [20_000, 900_000] as const;

const losePowerAt = (scene: Scene, at: number, downMs: number): Disturbance => {
  let lost = 0;
  let left: readonly string[] = [];
  scene.host.onAction = (number, action) => {
    if (number !== at + 1) return;
    lost += 1;
    // Unarmed, nothing on the host clears up after a power loss. What was sent before the claim stood is no transaction's, and
    // goes with a claim that comes an hour later.
    if (scene.host.disk.armed === null) left = ['the claim of tx-1 is not released', 'staged files are left'];
    if (left.length > 0) left = [...left, FOLDER_LEFT];
    if (action === 'claim') left = [...left, `after the next run: ${FOLDER_LEFT}`];
    powerOff(scene.host);
    void scene.time.sleep(downMs).then(() => boot(scene.host));
  };
  return { happened: () => lost, expected: () => 1, left: () => left };
};

const losesPower = (
  family: string,
  actions: readonly string[],
  { from, plan }: { readonly from: number; readonly plan: Scene['link']['plan'] },
): readonly Situation[] =>
  [...actions.entries()].slice(from).flatMap(([at, action]) =>
    DOWN_MS.map((downMs) => ({
      family,
      place: place('action', at, action),
      name: `down for ${downMs / 1000} s`,
      locks: false,
      disturb: (scene) => {
        scene.link.plan = plan;
        return losePowerAt(scene, at, downMs);
      },
    })),
  );

const fillsUp = undisturbed.events.map((event, at): Situation => ({
  family: 'the journal is full',
  place: place('event', at, event),
  name: 'full',
  locks: false,
  disturb: (scene) => {
    scene.journal.fullAt = () => scene.events.length === at;
    return { happened: () => Number(scene.journal.isFull()), expected: () => 1 };
  },
}));

/** On its way to the host; the host at work on it; and the answer on its way back, or there already. */
const LATER_MS = [2, 700, 5_000] as const;

const killed = (
  scene: Scene,
  options: { readonly records: number; readonly operation?: number; readonly laterMs?: number },
): Disturbance => {
  let kills = 0;
  return {
    happened: () => kills,
    expected: () => 1,
    run: async () => {
      const events = await applyUntilKilled(scene, options.records, (count, kill) => {
        if (count === options.operation) void scene.time.sleep(options.laterMs ?? 0).then(kill);
      });
      kills = events.length === options.records || options.operation !== undefined ? 1 : 0;
      scene.events.push(...events);
      return null;
    },
  };
};

const diesAtRecords = undisturbed.events.map((event, at): Situation => ({
  family: 'the controller is killed',
  place: place('record', at, event),
  name: 'on its disk',
  locks: false,
  disturb: (scene) => killed(scene, { records: at + 1 }),
}));

const diesInOperations = undisturbed.operations
  .filter((operation) => operation !== 'renew')
  .flatMap((operation, at) =>
    LATER_MS.map((laterMs): Situation => ({
      family: 'the controller is killed',
      place: place('request', at, operation),
      name: `${laterMs} ms after it was sent`,
      locks: false,
      disturb: (scene) => killed(scene, { records: Number.POSITIVE_INFINITY, operation: at + 1, laterMs }),
    })),
  );

/** A confirmation with the nonce of the run before arrives while a later one, which nobody may confirm, is under way. */
const comesLate = lockedOut.operations.flatMap((operation, at) =>
  ['tx-1', 'tx-2'].map((tx): Situation => ({
    family: 'a confirmation of an earlier run arrives',
    place: place('before operation', at, operation),
    name: `for ${tx}`,
    locks: true,
    disturb: (scene) => {
      let arrived = 0;
      return {
        happened: () => arrived,
        expected: () => 1,
        run: async () => {
          await scene.apply();
          await scene.time.pass(600_000);
          // So that it comes before anybody has seen that the canary does not get in.
          scene.host.loginMs = 3_000;
          scene.events.splice(0);
          const from = scene.link.operations.length;
          scene.link.onOperation = (number) => {
            if (number !== from + at) return;
            arrived += 1;
            const frame = { operation: 'confirm', tx, args: ['nonce-that-nobody-may-see-1'], files: {} };
            void runGuard(scene.host, frame, () => undefined);
          };
          return scene.apply();
        },
      };
    },
  })),
);

/** All of them. */
export const SITUATIONS: readonly Situation[] = [
  ...meetsFaults(false, false),
  ...meetsFaults(false, true),
  ...meetsFaults(true, false),
  ...meetsTwoFaults,
  ...losesPower('power loss', undisturbed.actions, { from: 0, plan: [] }),
  ...losesPower('power loss in a revert', reverted.actions, {
    from: reverted.actions.findIndex((action) => action.startsWith('restore')),
    plan: revertPlan,
  }),
  ...fillsUp,
  ...diesAtRecords,
  ...diesInOperations,
  ...comesLate,
];
