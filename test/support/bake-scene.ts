// A host whose wave bakes: the fake host of a scene, or several side by side, and one bake for all of them.
import type { RunEvent } from '../../src/core/event.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { WaveBake } from '../../src/engine/wave-bake.ts';
import type { TransactDeps } from '../../src/engine/transact-deps.ts';
import type { Scene } from './fake-host-scene.ts';

/** Longer than two leases, so that without its renewals the host would go back; three looks. */
export const BAKE_S = 90;
export const LOOKS = 3;

/** An apply in a wave of this one host, and what the bake wrote down. */
export const applyInBake = (
  scene: Scene,
  deps: Partial<TransactDeps> = {},
): { readonly bake: WaveBake; readonly events: RunEvent[]; readonly ending: Promise<HostResult> } => {
  const events: RunEvent[] = [];
  const bake = new WaveBake({
    wave: 1,
    hosts: ['web1'],
    bakeS: BAKE_S,
    sleep: scene.time.sleep,
    turn: (work) => work(),
    record: async (event) => void events.push(event),
  });
  const ending = scene
    .apply({ bake: bake.seat('web1', () => undefined), ...deps })
    .finally(() => bake.leave('web1'));
  return { bake, events, ending };
};

/** The same scene, whose applies bake. */
export const bakingScene = (scene: Scene): Scene => ({
  ...scene,
  apply: (given = {}) => applyInBake(scene, given).ending,
});
