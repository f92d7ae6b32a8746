// Commands for the operator to type next.
import type { Command } from '../core/event.ts';
import { jumpsText } from '../core/jump-host.ts';
import type { HostResult } from '../core/verdict.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import type { RollbackWish } from '../steps/plan-rollback.ts';
import type { Again } from '../view/words.ts';
import type { ConnectOptions, Options } from './options.ts';

/** The flags by which hosts are connected to, as they were given. */
export const wayWords = ({
  jumps,
  sshConfig,
  knownHosts,
  isKnownHostsGiven,
  hostKeys,
  privateKey,
}: ConnectOptions): readonly string[] => [
  ...(jumps === null ? [] : ['--jump', jumpsText(jumps)]),
  ...(sshConfig === 'usual' ? [] : ['--ssh-config', sshConfig === 'none' ? 'none' : sshConfig.file]),
  ...(isKnownHostsGiven ? ['--known-hosts', knownHosts] : []),
  ...(hostKeys === 'strict' ? [] : ['--host-keys', hostKeys]),
  ...(privateKey === null ? [] : ['--private-key', privateKey]),
];

/** The same inventory and way as were named; an inventory that was found in its usual place is found again. Whose push is approved, too. */
export const againOf =
  (options: Options, wish: RollbackWish | null): Again =>
  (command, host) => {
    const { inventory, as, probe } = options;
    // One host of a resumed run is brought there as any other.
    return shellCommand([
      'duo-fleet',
      command === 'resume' ? 'apply' : command,
      ...(inventory === null ? [] : [inventory]),
      '--host',
      host,
      ...(wish?.run != null && command === 'rollback' ? ['--run', wish.run] : []),
      ...wayWords(options),
      ...(probe && command === 'verify' ? ['--probe'] : []),
      ...(as === null || command === 'plan' || (command === 'verify' && !probe) ? [] : ['--as', as]),
    ]);
  };

/** On a host that needs no change apply tries no login: whoever gave --as must not take that for a push that was approved. */
export const asAdvice = (
  command: Command,
  options: Options,
  results: readonly HostResult[],
  first: string | undefined,
): readonly string[] => {
  const { as, inventory } = options;
  const isUntried =
    command === 'apply' && results.some(({ host, verdict }) => host === first && verdict === 'unchanged');
  if (as === null || first === undefined || !isUntried) return [];
  const named = [...(inventory === null ? [] : [inventory]), ...wayWords(options)];
  return [
    '',
    `--as ${as}: no login was tried, since ${first}, the run's first host, needed`,
    'no change. This tries it:',
    `  ${shellCommand(['duo-fleet', 'verify', ...named, '--host', first, '--probe', '--as', as])}`,
  ];
};
