// Commands for the operator to type next.
import type { Command } from '../core/event.ts';
import { jumpsText } from '../core/jump-host.ts';
import type { HostResult } from '../core/verdict.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import type { RollbackWish } from '../steps/plan-rollback.ts';
import type { Again } from '../view/words.ts';
import type { Options } from './options.ts';

/** The same inventory and way as were named; an inventory that was found in its usual place is found again. Whose push is approved, too. */
export const againOf =
  ({ inventory, as, probe, jumps, sshConfig }: Options, wish: RollbackWish | null): Again =>
  (command, host) =>
    // One host of a resumed run is brought there as any other.
    shellCommand([
      'duo-fleet',
      command === 'resume' ? 'apply' : command,
      ...(inventory === null ? [] : [inventory]),
      '--host',
      host,
      ...(wish?.run != null && command === 'rollback' ? ['--run', wish.run] : []),
      ...(jumps === null ? [] : ['--jump', jumpsText(jumps)]),
      ...(sshConfig === 'usual' ? [] : ['--ssh-config', sshConfig === 'none' ? 'none' : sshConfig.file]),
      ...(probe && command === 'verify' ? ['--probe'] : []),
      ...(as === null || command === 'plan' || (command === 'verify' && !probe) ? [] : ['--as', as]),
    ]);

/** On a host that needs no change apply tries no login: whoever gave --as must not take that for a push that was approved. */
export const asAdvice = (
  command: Command,
  { as, inventory }: Options,
  results: readonly HostResult[],
  first: string | undefined,
): readonly string[] => {
  const isUntried =
    command === 'apply' && results.some(({ host, verdict }) => host === first && verdict === 'unchanged');
  if (as === null || first === undefined || !isUntried) return [];
  const named = inventory === null ? [] : [inventory];
  return [
    '',
    `--as ${as}: no login was tried, since ${first}, the run's first host, needed`,
    'no change. This tries it:',
    `  ${shellCommand(['duo-fleet', 'verify', ...named, '--host', first, '--probe', '--as', as])}`,
  ];
};
