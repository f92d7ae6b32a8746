// Faults between the bastion and the host.
import { between, EVERY_ROW, ROWS, type Fault, type FaultPlace, type Healing } from './fault.ts';
import { slowCable } from './lab-slow-cable.ts';

const cut = async ({ fleet, host, dice }: FaultPlace, longestS: number): Promise<Healing> => {
  await host.partition();
  const seen = await fleet.run(['bash', '-c', `exec 3<>/dev/tcp/${host.address}/22`], { timeoutMs: 1_000 });
  if (seen.code === 0) throw new Error(`${host.name} can still be reached`);
  return { when: between(dice, 0, longestS), heal: () => host.heal() };
};

const linkDown: Fault = {
  kind: 'link-down',
  what: 'the host’s cable is pulled, and plugged in again after up to 45 s',
  rows: EVERY_ROW,
  strike: (place) => cut(place, 45),
};

const linkDownAtConfirm: Fault = {
  kind: 'link-down-at-confirm',
  what: 'the same, while the confirmation is on its way',
  rows: ['validate', 'confirm', 'confirm'],
  strike: (place) => cut(place, 30),
};

const linkFlaps: Fault = {
  kind: 'link-flaps',
  what: 'the cable is pulled for a second or two, again and again',
  rows: [...ROWS.before, ...ROWS.activation, ...ROWS.after],
  strike: async ({ host, dice }) => {
    for (let times = 1 + dice(3); times > 0; times--) {
      await host.partition();
      await new Promise((resolve) => setTimeout(resolve, between(dice, 0, 3)));
      await host.heal();
      await new Promise((resolve) => setTimeout(resolve, between(dice, 0, 2)));
    }
    return { when: 0, heal: () => host.heal() };
  },
};

const slowLine: Fault = {
  kind: 'line-slow',
  what: '300 ms there and back, and 5 % of all frames are lost',
  rows: ['connect'],
  strike: async ({ fleet, host, dice }) => {
    const cable = await slowCable(fleet, host, { delayMs: 300, lossPercent: 5, seed: dice(1_000_000) });
    let lost = 0;
    return {
      when: 'at the end',
      heal: async () => {
        ({ lost } = await cable.mend());
      },
      proof: async () => {
        if (!(lost > 0)) throw new Error('no frame was lost');
      },
    };
  },
  ends: 'new',
};

export const LINE_FAULTS: readonly Fault[] = [linkDown, linkDownAtConfirm, linkFlaps, slowLine];
