// The way to a host: what the inventory says, then the command line, then ssh's configuration.
import { isHostName, parseAddress } from './ip-address.ts';
import { JUMPS_MAX, parseJumps, type NamedJump } from './jump-host.ts';
import type { ConnectionSettings, JumpHost, SshDetails } from './settings.ts';
import { expandCommand, type AskSsh, type SshAnswer } from './ssh-answer.ts';
import type { Problem } from './variable-checks.ts';

const SSH_PORT = 22;

/** What the inventory says of the way to a host; `null`: nothing. */
export interface NamedWay {
  /** The inventory's name of the host. */
  readonly name: string;
  /** ansible_host, or the host's name. */
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
  readonly jumps: readonly NamedJump[] | null;
  readonly proxyCommand: string | null;
}

/** What is known from outside the inventory. */
export interface WayDefaults {
  /** The name of the operator's own account; `null`: it has none, and users must be named. */
  readonly user: string | null;
  /** What ssh's configuration says; absent: it is not asked. */
  readonly ssh?: AskSsh;
  /** The jump hosts of the command line, for hosts whose inventory names none; absent: none were given. */
  readonly jumps?: readonly NamedJump[] | null;
}

/** A way, all of it known. `user` is `null` where nobody names one. */
export type Way = Pick<ConnectionSettings, 'address' | 'port' | 'jumps' | 'ssh'> & {
  readonly user: string | null;
};

/**
 * Follows what is named to where it leads, as ssh does: each jump host is looked up in ssh's configuration by itself, and
 * the first of them may have jump hosts of its own there. A host that is one of its own jump hosts is reached directly
 * from the one before it: a group's ProxyJump mostly means the jump host's own group, too.
 */
export const wayTo = (named: NamedWay, defaults: WayDefaults): Way | Problem => {
  const answer = ask(named, defaults);
  const address = answer?.address ?? named.host;
  const port = named.port ?? answer?.port ?? SSH_PORT;
  const isNamed = named.jumps !== null || named.proxyCommand !== null;
  // Whoever says ProxyCommand in the inventory says that there are no jump hosts: the first word counts, as in ssh.
  const jumps = named.jumps ?? (isNamed ? [] : (defaults.jumps ?? null));
  const chain = chainOf(jumps, answer, defaults);
  if ('message' in chain) return chain;
  if (!isAddress(address)) return noAddress('HostName', address);
  const own = chain.findIndex((jump) => isJumpTo(jump, { name: named.name, address, port }));
  const passed = own === -1 ? chain : chain.slice(0, own);
  const user = named.user ?? answer?.user ?? defaults.user;
  const command =
    jumps === null
      ? (answer?.details.proxyCommand ?? null)
      : expandCommand(named.proxyCommand, { address, port, user: user ?? '', argument: named.host });
  const ssh = detailsOf(answer, passed.length === 0 ? command : null);
  return {
    address,
    port,
    user,
    jumps: passed,
    ...(ssh === null ? {} : { ssh }),
  };
};

const NO_DETAILS: SshDetails = {
  identityFiles: null,
  identitiesOnly: false,
  identityAgent: 'usual',
  certificateFiles: [],
  hostKeyAlias: null,
  userKnownHostsFiles: null,
  globalKnownHostsFiles: null,
  proxyCommand: null,
};

/** The details with the command that the way really begins with; `null` where there is nothing to say. */
const detailsOf = (answer: SshAnswer | null, proxyCommand: string | null): SshDetails | null =>
  answer === null && proxyCommand === null ? null : { ...(answer?.details ?? NO_DETAILS), proxyCommand };

/** All jump hosts in the order in which they are passed. */
const chainOf = (
  jumps: readonly NamedJump[] | null,
  answer: SshAnswer | null,
  defaults: WayDefaults,
): readonly JumpHost[] | Problem => {
  let chain: readonly JumpHost[] = [];
  let before: readonly NamedJump[] | Problem = jumps ?? configured(answer);
  for (;;) {
    if ('message' in before) return before;
    const stations = before.map((jump) => stationOf(jump, defaults));
    const [dialled, ...others] = stations.map(({ jump }) => jump);
    if (dialled === undefined) return chain;
    // A pattern that means every host (`Host *`) means the jump host too: ssh calls that a loop and gives up.
    const reached = chain[0];
    if (reached !== undefined && stations.some(({ jump }) => isSame(jump, reached))) return chain;
    const wrong = stations.find(({ jump }) => !isAddress(jump.address))?.jump;
    if (wrong !== undefined) return noAddress(`HostName of the jump host ${wrong.name}`, wrong.address);
    const nameless = stations.find(({ jump }) => jump.user === '')?.jump;
    if (nameless !== undefined) {
      const message = `is reached through ${nameless.name}, and nobody says as whom`;
      return { message, remedy: 'Write user@host.' };
    }
    // Only the station that is dialled has a use for a command of its own.
    chain = [dialled, ...[...others, ...chain].map(withoutCommand)];
    if (chain.length > JUMPS_MAX) {
      return { message: `has more than ${JUMPS_MAX} jump hosts in a row`, remedy: '' };
    }
    before = configured(stations[0]?.answer ?? null);
  }
};

const withoutCommand = (jump: JumpHost): JumpHost =>
  jump.ssh === undefined ? jump : { ...jump, ssh: { ...jump.ssh, proxyCommand: null } };

const configured = (answer: SshAnswer | null): readonly NamedJump[] | Problem => {
  const parsed = parseJumps(answer?.proxyJump ?? 'none');
  return parsed.wrong === null
    ? parsed.jumps
    : {
        message: `has a ProxyJump in ssh's configuration that is not followed: ${JSON.stringify(parsed.wrong)}`,
        remedy: 'Write [user@]host[:port] there, or name the jump hosts with --jump.',
      };
};

const stationOf = (
  named: NamedJump,
  defaults: WayDefaults,
): { readonly jump: JumpHost; readonly answer: SshAnswer | null } => {
  const answer = ask(named, defaults);
  const address = answer?.address ?? named.host;
  const port = named.port ?? answer?.port ?? SSH_PORT;
  return {
    answer,
    jump: {
      name: named.host,
      address,
      port,
      // As ssh has it: the account that logs in on the host says nothing about the jump host.
      user: named.user ?? answer?.user ?? defaults.user ?? '',
      ...(answer === null ? {} : { ssh: answer.details }),
    },
  };
};

const ask = (
  { host, user, port }: Pick<NamedWay, 'host' | 'user' | 'port'>,
  { ssh }: WayDefaults,
): SshAnswer | null => ssh?.({ host, user, port }) ?? null;

const isAddress = (text: string): boolean => isHostName(text) || parseAddress(text) !== null;

const noAddress = (what: string, address: string): Problem => ({
  message: `has in ssh's configuration a ${what} that is no DNS name and no address: ${JSON.stringify(address)}`,
  remedy: 'Correct it there, or give ansible_host.',
});

/** Whether a jump host is this host: by what is dialled, or by the name that both are known by. */
export const isJumpTo = (
  jump: JumpHost,
  { name, address, port }: { readonly name: string; readonly address: string; readonly port: number },
): boolean =>
  isSame(jump, { address, port }) || isSame({ ...jump, address: jump.name }, { address: name, port });

const isSame = (
  one: { readonly address: string; readonly port: number },
  other: { readonly address: string; readonly port: number },
): boolean => one.address.toLowerCase() === other.address.toLowerCase() && one.port === other.port;
