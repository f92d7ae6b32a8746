// A controller that can be killed: from one moment on nothing of it goes on, and its connections are cut.
import type { RunEvent } from '../../src/core/event.ts';
import type { Remote } from '../../src/core/remote.ts';
import type { Scene } from './fake-host-scene.ts';
import { deferred } from './fake-host-time.ts';

/** One life of a controller. */
export interface FakeController {
  readonly remote: Remote;
  /** Resolves when it was killed. */
  readonly died: Promise<void>;
  readonly kill: () => void;
  readonly isAlive: () => boolean;
  /** What it waits for; never, once it is dead. */
  readonly live: <T>(work: Promise<T>) => Promise<T>;
}

const never = (): Promise<never> => new Promise<never>(() => undefined);

/** A controller over this transport; `onAsk` hears of every operation that it is about to send, by its number from 1. */
export const fakeController = (
  remote: Remote,
  onAsk: (count: number) => void = () => undefined,
): FakeController => {
  const end = deferred<void>();
  const open = new Set<{ readonly close: () => void }>();
  let alive = true;
  let asked = 0;
  const live = <T>(work: Promise<T>): Promise<T> =>
    work.then(
      (value) => (alive ? value : never()),
      (thrown: unknown) => {
        if (alive) throw thrown;
        return never();
      },
    );
  const keep = <T extends { readonly close: () => void }>(held: T): T => {
    open.add(held);
    if (!alive) held.close();
    return held;
  };
  const ask = <T>(work: () => Promise<T>): Promise<T> => {
    if (!alive) return never();
    asked += 1;
    onAsk(asked);
    return live(work());
  };
  return {
    died: end.promise,
    isAlive: () => alive,
    live,
    kill: () => {
      alive = false;
      for (const held of open) held.close();
      end.resolve();
    },
    remote: {
      login: (...args) => ask(() => remote.login(...args)),
      connect: (...args) =>
        ask(async () => {
          const session = keep(await remote.connect(...args));
          return {
            sourceAddress: session.sourceAddress,
            observe: (...given) => ask(() => session.observe(...given)),
            preflight: (...given) => ask(() => session.preflight(...given)),
            guard: (...given) => ask(() => session.guard(...given)),
            rehearse: (...given) => ask(() => session.rehearse(...given)),
            logMark: (...given) => ask(() => session.logMark(...given)),
            duoLog: (...given) => ask(() => session.duoLog(...given)),
            holdLease: (...given) =>
              ask(async () => {
                const lease = keep(await session.holdLease(...given));
                return { ...lease, lost: live(lease.lost), revert: (ms) => ask(() => lease.revert(ms)) };
              }),
            close: () => session.close(),
          };
        }),
    },
  };
};

/** An apply whose controller dies when its journal has so many events, or in an operation; what it wrote until then. */
export const applyUntilKilled = async (
  scene: Scene,
  count: number,
  onAsk: (count: number, kill: () => void) => void = () => undefined,
): Promise<readonly RunEvent[]> => {
  const controller = fakeController(scene.link.remote, (asked) => onAsk(asked, () => controller.kill()));
  const events: RunEvent[] = [];
  const applying = scene.apply({
    remote: controller.remote,
    sleep: (ms) => controller.live(scene.time.sleep(ms)),
    emit: async (event) => {
      await controller.live(scene.time.sleep(1));
      events.push(event);
      if (events.length === count) controller.kill();
      await controller.live(Promise.resolve());
    },
  });
  await scene.time.until(Promise.race([applying, controller.died]));
  controller.kill();
  return events;
};
