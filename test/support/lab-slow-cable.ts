// A host's cable made slow and lossy, as by tc(8)'s netem, which many kernels lack: by a relay of frames.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LabFleet, LabHost } from './lab.ts';
import { fleetPaths, REPOSITORY_ROOT } from './lab-paths.ts';

const RELAY = join(REPOSITORY_ROOT, 'test/support/slow-cable.py');

/** How slow, how lossy; what is lost hangs on the seed. */
export interface CableQuality {
  /** There and back. */
  readonly delayMs: number;
  /** Of all frames, in each direction. */
  readonly lossPercent: number;
  readonly seed: number;
}

/** A cable that is slow until `mend`, which says how many frames it handed on and how many it lost. */
export interface SlowCable {
  readonly mend: () => Promise<{ readonly passed: number; readonly lost: number }>;
}

/** Makes the host's cable slow. Connections outlive it. */
export async function slowCable(fleet: LabFleet, host: LabHost, quality: CableQuality): Promise<SlowCable> {
  const { netns } = fleetPaths(fleet.name).host(host.name);
  const numbers = [quality.delayMs, quality.lossPercent, quality.seed].map(String);
  const relay = [`--net=/run/netns/${fleet.bastion}`, '--', 'python3', RELAY];
  const child = spawn('nsenter', [...relay, netns, `s-${host.name}`, host.address, ...numbers], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (bytes: Buffer) => {
      said += bytes.toString('utf8');
      if (said.startsWith('ready\n')) resolve();
    });
  });
  const ended = once(child, 'close');
  await Promise.race([
    ready,
    ended.then(() => {
      throw new Error(`lab: the slow cable of ${host.name} could not be made`);
    }),
  ]);
  return {
    mend: async () => {
      child.kill('SIGTERM');
      await ended;
      const [, passed, lost] = /(\d+) passed, (\d+) lost/.exec(said) ?? [];
      return { passed: Number(passed), lost: Number(lost) };
    },
  };
}
