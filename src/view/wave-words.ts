// What people are told of waves: before the run, while it goes on, and after it.
import type { RunEvent } from '../core/event.ts';
import type { WaveState } from '../core/run-state.ts';
import { hostsText, type GateDecision, type Rollout, type Wave } from '../core/wave.ts';
import { wrapText } from './wrap-text.ts';
import { shown } from './words.ts';

/** Waves told one by one before a run, and hosts named in each; the rest are counted. */
const WAVES_SHOWN_MAX = 6;
const HOSTS_NAMED_MAX = 12;

/** `90 s`, `10 min`, `1 h 30 min`. */
export const durationText = (durationS: number): string => {
  if (durationS < 120 && durationS % 60 !== 0) return `${durationS} s`;
  const hours = Math.floor(durationS / 3600);
  const minutes = Math.floor((durationS % 3600) / 60);
  const seconds = durationS % 60;
  const parts = [
    ...(hours === 0 ? [] : [`${hours} h`]),
    ...(minutes === 0 ? [] : [`${minutes} min`]),
    ...(seconds === 0 ? [] : [`${seconds} s`]),
  ];
  return parts.length === 0 ? '0 s' : parts.join(' ');
};

/** Host names; the rest are counted. */
export const namesText = (hosts: readonly string[], namedMax = HOSTS_NAMED_MAX): string => {
  const more = hosts.length - namedMax;
  const names = hosts.slice(0, namedMax).map((host) => shown(host));
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

/** `wave 1 of 3 (canary)`. @param number counted from 1 */
export const waveTitle = (number: number, rollout: Pick<Rollout, 'waves'>): string => {
  const kind = rollout.waves[number - 1]?.kind === 'canary' ? ' (canary)' : '';
  return `wave ${number} of ${rollout.waves.length}${kind}`;
};

/** `1 host: web1; then watched for 10 min`. */
export const waveText = ({ hosts, bakeS }: Wave): string =>
  `${hostsText(hosts.length)}: ${namesText(hosts)}${bakeS === 0 ? '' : `; watched for ${durationText(bakeS)} before being confirmed`}`;

/** What a gate lets through, for the rules that are shown before a run. */
const budgetText = ({ failuresMax, waves, rules }: Rollout): string => {
  const what =
    failuresMax === 0
      ? 'After the first host that fails'
      : `When more than ${hostsText(failuresMax)} ${failuresMax === 1 ? 'has' : 'have'} failed`;
  const stop = waves.length === 1 ? 'no other is started' : 'no other is started in any wave';
  const undo =
    rules.onFailure === 'rollback-run' ? ', and those that were confirmed by then are rolled back' : '';
  return `${what}, ${stop}${undo}.`;
};

/** The plan of a run, before the question; nothing of it for a single host. */
export const rolloutLines = (rollout: Rollout, width: number): readonly string[] => {
  const { waves } = rollout;
  const digits = String(Math.min(waves.length, WAVES_SHOWN_MAX)).length;
  const rows = waves.slice(0, WAVES_SHOWN_MAX).flatMap((wave, index) => {
    const head = `  ${String(index + 1).padStart(digits)}. ${(wave.kind === 'canary' ? 'canary' : 'wave').padEnd(6)}  `;
    return wrapText(waveText(wave), width - head.length).map(
      (line, at) => `${at === 0 ? head : ' '.repeat(head.length)}${line}`,
    );
  });
  const rest = waves.slice(WAVES_SHOWN_MAX);
  const more = rest.reduce((sum, { hosts }) => sum + hosts.length, 0);
  return [
    ...rows,
    ...(rest.length === 0
      ? []
      : [`  and ${rest.length} more ${rest.length === 1 ? 'wave' : 'waves'} of ${hostsText(more)} together`]),
    ...wrapText(budgetText(rollout), width),
  ];
};

/** What a gate says. */
export const gateText = (number: number, rollout: Rollout, { decision, why }: GateDecision): string =>
  decision === 'halt'
    ? `halted in ${waveTitle(number, rollout)}: ${shown(why)}`
    : `${waveTitle(number, rollout)} has ended: ${shown(why)}`;

/** What a wave's event says, in a line; '' for events about hosts, and where a run is one wave that tells nothing. */
export const waveEventText = (event: RunEvent, rollout: Rollout | null): string => {
  if (rollout === null || !('wave' in event)) return '';
  const title = waveTitle(event.wave, rollout);
  switch (event.type) {
    case 'wave-started': {
      const wave = rollout.waves[event.wave - 1];
      return wave === undefined || rollout.waves.length === 1 ? '' : `${title}: ${waveText(wave)}`;
    }
    case 'bake-started':
      return `${title}: ${namesText(event.hosts)}: live, and watched for ${durationText(event.bakeS)}`;
    case 'bake-ended':
      return event.decision === 'confirm'
        ? `${title}: ${shown(event.why)}; confirmed now`
        : `${title}: put back unconfirmed: ${shown(event.why)}`;
    case 'wave-ended':
      return '';
    case 'gate':
      return gateText(event.wave, rollout, event);
    default:
      return event satisfies never;
  }
};

/** Whether a wave's event is bad news. */
export const isWaveTrouble = (event: RunEvent): boolean =>
  (event.type === 'gate' && event.decision === 'halt') ||
  (event.type === 'bake-ended' && event.decision === 'revert');

/** The lines under a run's table: what halted it, and where. Nothing when no gate did. */
export const haltLines = (waves: readonly WaveState[], width: number): readonly string[] => {
  const halted = waves.find(({ gate }) => gate?.decision === 'halt');
  if (halted?.gate == null) return [];
  const baked =
    halted.bake?.decision === 'revert' ? ` Its bake put back ${namesText(halted.bake.hosts)}.` : '';
  return wrapText(
    `Halted in ${waveTitle(halted.wave, { waves })}: ${shown(halted.gate.why)}.${baked}`,
    width,
  );
};
