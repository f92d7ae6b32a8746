// The questions before apply and rollback, and between waves.
import { hostsText, type GateDecision, type Rollout } from '../core/wave.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import { gateText, namesText, rolloutLines, waveText, waveTitle } from '../view/wave-words.ts';
import { wrapText } from '../view/wrap-text.ts';
import type { Fleet } from './load-fleet.ts';
import type { Options } from './options.ts';
import { planFileSummary, type NamedPlan } from './plan-files.ts';
import type { RollbackOptions } from './rollback-options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** As wide as the table at the end. */
const WIDTH = 80;

/**
 * Asks whether to go on; --yes answers.
 * @throws UsageError without --yes and without a terminal to ask on
 */
export const confirmed = async (
  fleet: Fleet,
  rollout: Rollout,
  {
    plan,
    options,
    surroundings,
  }: { readonly plan: NamedPlan | null; readonly options: Options; readonly surroundings: Surroundings },
): Promise<Answer> => {
  const from = plan === null ? [] : wrapText(planFileSummary(plan), WIDTH).map((line) => `${line}\n`);
  const text = `${from.join('')}${summary(fleet, rollout, options)}`;
  return goOn('apply', text, { yes: options.yes, surroundings });
};

/**
 * Asks whether to roll back; --yes answers.
 * @throws UsageError without --yes and without a terminal to ask on
 */
export const rollbackConfirmed = async (
  fleet: Fleet,
  options: RollbackOptions,
  surroundings: Surroundings,
): Promise<Answer> => goOn('rollback', rollbackSummary(fleet, options), { yes: options.yes, surroundings });

export type Answer = 'yes' | 'no' | 'interrupted';

/**
 * The question itself, after `text`.
 * @throws UsageError without --yes and without a terminal to ask on
 */
export const goOn = async (
  command: string,
  text: string,
  { yes, surroundings: { ask } }: { readonly yes: boolean; readonly surroundings: Surroundings },
): Promise<Answer> => {
  if (yes) return 'yes';
  if (ask === null) throw new UsageError(`${command} needs --yes where there is no terminal to ask on`);
  return answerOf(await ask(`${text}Go on? [y/N] `));
};

const answerOf = (answer: string): Answer => {
  if (answer === 'interrupted') return 'interrupted';
  return /^\s*y(es)?\s*$/i.test(answer) ? 'yes' : 'no';
};

/** Asks whether the next wave may start; `no` when the signal comes first. */
export type AskBetween = (
  place: { readonly rollout: Rollout; readonly next: number; readonly gate: GateDecision },
  signal: AbortSignal,
) => Promise<Answer>;

/**
 * The question of --confirm-waves, which --yes does not answer; `null` without that flag.
 * @throws UsageError with it and without a terminal to ask on
 */
export const askBetween = (confirmWaves: boolean, { ask }: Surroundings): AskBetween | null => {
  if (!confirmWaves) return null;
  if (ask === null)
    throw new UsageError('--confirm-waves asks between waves, and there is no terminal to ask on');
  return async ({ rollout, next, gate }, signal) => {
    const wave = rollout.waves[next - 1];
    const lines = [
      '',
      ...wrapText(upperFirst(`${gateText(next - 1, rollout, gate)}.`), WIDTH),
      ...wrapText(
        `Next is ${waveTitle(next, rollout)}: ${wave === undefined ? 'nobody' : waveText(wave)}.`,
        WIDTH,
      ),
    ];
    return answerOf(await ask(`${lines.join('\n')}\nGo on? [y/N] `, signal));
  };
};

const upperFirst = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const rollbackSummary = (fleet: Fleet, options: RollbackOptions): string =>
  [
    `${fleet.inventory}: ${hostsText(fleet.settings.length)}, ${Math.min(options.forks, fleet.settings.length)} at a time:`,
    `  ${namesText(fleet.settings.map(({ host }) => host))}`,
    `Each goes back to what it was before ${options.run === null ? 'the newest run that it keeps' : `run ${options.run}`}:`,
    "  sshd's settings, PAM stacks, sudo's timeout, pam_duo.conf and packages.",
    'SSH login and sudo ask Duo no more where they did not before that run.',
    options.discardEdits
      ? 'What somebody has changed in those files since is OVERWRITTEN.'
      : 'A host on which somebody has changed those files since is refused.',
    `A host that fails, or hears nothing from here for ${options.leaseS} s, stays as it is now.`,
    '',
  ].join('\n');

const summary = (fleet: Fleet, rollout: Rollout, options: Options): string => {
  const names = fleet.settings.map(({ host }) => host);
  const apis = [...new Set(fleet.settings.map(({ duo }) => duo.apiHost))];
  const { waves } = rollout;
  const inWaves = waves.length < 2 ? '' : ` in ${waves.length} waves`;
  return [
    `${fleet.inventory}: ${hostsText(names.length)}${inWaves}, ${Math.min(options.forks, names.length)} at a time:`,
    ...(names.length === 1 ? [`  ${namesText(names)}`] : rolloutLines(rollout, WIDTH)),
    `SSH login and sudo will ask Duo (${apis.join(', ')}) there.`,
    `A host that fails, or hears nothing from here for ${options.leaseS} s, puts itself back.`,
    `What would change: ${shellCommand(['duo-fleet', 'plan', ...(options.inventory === null ? [] : [options.inventory])])}`,
    '',
  ].join('\n');
};
