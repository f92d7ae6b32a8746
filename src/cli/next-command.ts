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

/**
 * The same inventory and way as were named; an inventory that was found in its usual place is found again. Whose push is approved, too.
 * @param rollbacks hosts of a run that is resumed on which a rollback was cut off, with the run that it undoes
 */
export const againOf =
  (
    options: Options,
    wish: Pick<RollbackWish, 'run'> | null,
    rollbacks: ReadonlyMap<string, string | null>,
  ): Again =>
  (given, host) => {
    const { inventory, as, probe } = options;
    const isRest = given === 'resume' && rollbacks.has(host);
    // One host of a resumed run is brought there as any other.
    const command = isRest ? 'rollback' : given === 'resume' ? 'apply' : given;
    const run = isRest ? rollbacks.get(host) : wish?.run;
    return shellCommand([
      'duo-fleet',
      command,
      ...(inventory === null ? [] : [inventory]),
      '--host',
      host,
      ...(run != null && command === 'rollback' ? ['--run', run] : []),
      ...wayWords(options),
      ...(probe && command === 'verify' ? ['--probe'] : []),
      ...(as === null || command === 'plan' || command === 'rollback' || (command === 'verify' && !probe)
        ? []
        : ['--as', as]),
    ]);
  };

/** What puts back these hosts as they were before a run. @param of.inventory as it was named; `null`: not known */
export const rollbackCommand = (
  of: { readonly inventory: string | null; readonly run: string; readonly hosts: readonly string[] },
  options: ConnectOptions,
): string =>
  shellCommand([
    'duo-fleet',
    'rollback',
    ...(of.inventory === null ? [] : ['-i', of.inventory]),
    '--run',
    of.run,
    '--host',
    of.hosts.join(','),
    ...wayWords(options),
  ]);

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
