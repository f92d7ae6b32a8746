// The questions before apply and rollback.
import { shellCommand } from '../remote/shell-quote.ts';
import type { Fleet } from './load-fleet.ts';
import type { Options } from './options.ts';
import type { RollbackOptions } from './rollback-options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** Hosts named in the question; the rest are counted. */
const HOSTS_NAMED_MAX = 12;

/**
 * Asks whether to go on; --yes answers.
 * @throws UsageError without --yes and without a terminal to ask on
 */
export const confirmed = async (
  fleet: Fleet,
  options: Options,
  surroundings: Surroundings,
): Promise<Answer> => goOn('apply', summary(fleet, options), { yes: options.yes, surroundings });

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
  const answer = await ask(`${text}Go on? [y/N] `);
  if (answer === 'interrupted') return 'interrupted';
  return /^\s*y(es)?\s*$/i.test(answer) ? 'yes' : 'no';
};

/** How many hosts, from which inventory, and their names. */
const hostLines = (fleet: Fleet, { forks }: Options): readonly string[] => {
  const names = fleet.settings.map(({ host }) => host);
  const more = names.length - HOSTS_NAMED_MAX;
  return [
    `${fleet.inventory}: ${names.length} ${names.length === 1 ? 'host' : 'hosts'}, ${Math.min(forks, names.length)} at a time:`,
    `  ${names.slice(0, HOSTS_NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  ];
};

const rollbackSummary = (fleet: Fleet, options: RollbackOptions): string =>
  [
    ...hostLines(fleet, options),
    `Each goes back to what it was before ${options.run === null ? 'the newest run that it keeps' : `run ${options.run}`}:`,
    "  sshd's settings, PAM stacks, sudo's timeout, pam_duo.conf and packages.",
    'SSH login and sudo ask Duo no more where they did not before that run.',
    options.discardEdits
      ? 'What somebody has changed in those files since is OVERWRITTEN.'
      : 'A host on which somebody has changed those files since is refused.',
    `A host that fails, or hears nothing from here for ${options.leaseS} s, stays as it is now.`,
    '',
  ].join('\n');

const summary = (fleet: Fleet, options: Options): string => {
  const apis = [...new Set(fleet.settings.map(({ duo }) => duo.apiHost))];
  return [
    ...hostLines(fleet, options),
    `SSH login and sudo will ask Duo (${apis.join(', ')}) there.`,
    `A host that fails, or hears nothing from here for ${options.leaseS} s, puts itself back.`,
    `What would change: ${shellCommand(['duo-fleet', 'plan', ...(options.inventory === null ? [] : [options.inventory])])}`,
    '',
  ].join('\n');
};
