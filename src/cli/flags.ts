// Every flag of every command: one table, from which yargs, the help and the environment's names are made.
import type { Options as YargsOption } from 'yargs';
import { DUO_ANSWERS, type DuoAnswer } from '../auth/duo-answer.ts';
import type { Command } from '../core/event.ts';
import { ON_FAILURE } from '../core/wave.ts';

/** All that can be asked for: the runs, and what is none. */
export type CommandName = Command | 'explain' | 'runs' | 'report' | 'secret' | 'init' | 'completion';
export const HOST_KEYS = ['strict', 'accept-new', 'off'] as const;
/** How unknown host keys are met. */
export type HostKeys = (typeof HOST_KEYS)[number];

export const FORKS = { default: 20, min: 1, max: 500 } as const;
/** Below 20 s a slow link could let it lapse between two renewals; above 600 s a lock-out would last too long. */
export const LEASE_S = { default: 60, min: 20, max: 600 } as const;

/** Journals are read whole for the list, so it has an end. */
export const RUNS_COUNT = { default: 20, min: 1, max: 500 } as const;

export const REPORT_FORMATS = ['text', 'json', 'junit', 'html'] as const;
/** The forms of a report. */
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** The two services that Duo is put on. */
export const HOST_SERVICES = ['sshd', 'sudo'] as const;
export type HostService = (typeof HOST_SERVICES)[number];

/** Shells that completions are printed for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The answers of Duo that a table shows where none is asked for: the three that an administrator plans for. */
export const DUO_SHOWN: readonly DuoAnswer[] = ['allow', 'deny', 'unreachable'];

/** What a shell can be told the names of; `file`: the shell knows best. */
export type Completed = 'host' | 'pattern' | 'group' | 'run' | 'file';

interface Flag {
  readonly type: 'string' | 'number' | 'boolean';
  readonly describe: string;
  readonly requiresArg?: boolean;
  /** What its value is, for who completes it: one of these words, or one of a kind. */
  readonly takes?: readonly string[] | Completed;
  /** One letter, as people from Ansible type it. */
  readonly alias?: string;
  readonly commands: readonly CommandName[];
}

const ALL: readonly CommandName[] = ['apply', 'plan', 'verify', 'rollback', 'resume'];
const CONNECTING: readonly CommandName[] = [...ALL, 'explain'];

/** Every flag by its name; `DUO_FLEET_<NAME>` sets it from the environment. */
export const FLAGS: Readonly<Record<string, Flag>> = {
  host: {
    commands: CONNECTING,
    takes: 'host',
    type: 'string',
    requiresArg: true,
    describe: 'Only this host (repeatable)',
  },
  limit: {
    commands: ALL,
    takes: 'pattern',
    type: 'string',
    alias: 'l',
    requiresArg: true,
    describe: "Only hosts that match Ansible's pattern; @FILE: those that it lists",
  },
  run: {
    commands: ['rollback'],
    takes: 'run',
    type: 'string',
    requiresArg: true,
    describe: "Undo what this run did (each host's newest)",
  },
  'discard-edits': {
    commands: ['rollback'],
    type: 'boolean',
    describe: 'Also put back what somebody has changed since that run',
  },
  check: {
    commands: ['apply'],
    alias: 'C',
    type: 'boolean',
    describe: 'Touch nothing, and show what would change: what plan does',
  },
  diff: {
    commands: ['apply', 'plan'],
    alias: 'D',
    type: 'boolean',
    describe: 'Show in the end what was changed, as a diff; plan always does',
  },
  out: {
    commands: ['plan'],
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: 'Also write the plan to this file, for duo-fleet apply FILE: exactly that, or nothing',
  },
  yes: {
    commands: ['apply', 'rollback', 'resume'],
    type: 'boolean',
    describe: 'Do not ask; required without a terminal',
  },
  forks: {
    commands: ALL,
    alias: 'f',
    type: 'number',
    requiresArg: true,
    describe: `Hosts at a time (${FORKS.default})`,
  },
  canary: {
    commands: ['apply', 'resume'],
    takes: 'group',
    type: 'string',
    requiresArg: true,
    describe: 'Who goes first: N hosts, N% of them, or a group; 0 for nobody (1)',
  },
  serial: {
    commands: ['apply', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: 'Sizes of the waves after the canary, such as 1,10%,100%; the last repeats (100%)',
  },
  'max-failures': {
    commands: ['apply', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: 'How many hosts may fail, N or N% of all; one more, and no other is started (0)',
  },
  'on-failure': {
    commands: ['apply', 'resume'],
    takes: ON_FAILURE,
    type: 'string',
    requiresArg: true,
    describe: 'And then: stop, or rollback-run: also roll back the hosts that the run has confirmed (stop)',
  },
  bake: {
    commands: ['apply', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: 'How long the canary is watched before it is confirmed, such as 10m (0)',
  },
  'bake-wave': {
    commands: ['apply', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: 'The same for each wave after it (0)',
  },
  'confirm-waves': {
    commands: ['apply', 'resume'],
    type: 'boolean',
    describe: 'Ask between waves; progress is told in lines',
  },
  reason: {
    commands: ['apply', 'rollback', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: "Why, such as a change ticket: for the journal and each host's log",
  },
  lease: {
    commands: ['apply', 'rollback', 'resume'],
    type: 'number',
    requiresArg: true,
    describe: `Seconds after which a host that hears nothing puts itself back, ${LEASE_S.min} to ${LEASE_S.max} (${LEASE_S.default})`,
  },
  'check-enrolment': {
    commands: ['apply', 'plan', 'verify', 'resume'],
    type: 'boolean',
    describe: "Also ask Duo who of its groups' members is not enrolled; nobody gets a push",
  },
  probe: { commands: ['verify'], type: 'boolean', describe: 'Also try logins that must succeed' },
  as: {
    commands: ['apply', 'verify', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: "Also log in as this member of Duo's groups, on the first host: you approve the push",
  },
  // Not "inventory", which --inventory becomes: yargs would take it for the word behind the command, and drop one of both.
  'inventory-file': {
    commands: CONNECTING,
    takes: 'file',
    type: 'string',
    alias: 'i',
    requiresArg: true,
    describe: 'One more inventory (repeatable, also --inventory): of two, the later wins',
  },
  'only-settle': {
    commands: ['resume'],
    type: 'boolean',
    describe: 'Only ask cut-off hosts how they ended, and bring none any further',
  },
  json: {
    commands: [...CONNECTING, 'runs'],
    type: 'boolean',
    describe: 'One JSON document on stdout, progress on stderr',
  },
  report: {
    commands: ALL,
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: 'Also write the JSON document to this file; a page (.html) or JUnit (.xml) by its ending',
  },
  count: {
    commands: ['runs'],
    type: 'number',
    requiresArg: true,
    describe: `Runs that are listed, at most ${RUNS_COUNT.max} (${RUNS_COUNT.default})`,
  },
  format: {
    commands: ['report'],
    takes: REPORT_FORMATS,
    type: 'string',
    requiresArg: true,
    describe: `${REPORT_FORMATS.join(', ')} (by --output's ending, else text)`,
  },
  output: {
    commands: ['report'],
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: 'Write it to this file, not to stdout',
  },
  jump: {
    commands: CONNECTING,
    type: 'string',
    requiresArg: true,
    describe: 'Jump hosts on the way, [user@]host[:port], parted by commas; where the inventory names none',
  },
  'ssh-config': {
    commands: CONNECTING,
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: "ssh's configuration file, or none (~/.ssh/config and /etc/ssh/ssh_config)",
  },
  'known-hosts': {
    commands: CONNECTING,
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: 'Host keys (~/.ssh/known_hosts)',
  },
  'host-keys': {
    commands: CONNECTING,
    takes: HOST_KEYS,
    type: 'string',
    requiresArg: true,
    describe: `Unknown host keys: ${HOST_KEYS.join(', ')} (strict)`,
  },
  'private-key': {
    commands: CONNECTING,
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: 'Key file to log in with',
  },
  user: {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: 'Only this account, with the walk through the stack, line by line',
  },
  service: {
    commands: ['explain'],
    takes: HOST_SERVICES,
    type: 'string',
    requiresArg: true,
    describe: 'sshd or sudo; with --pam-dir any file of the folder',
  },
  from: {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: 'Address that the login comes from (ours)',
  },
  duo: {
    commands: ['explain'],
    takes: DUO_ANSWERS,
    type: 'string',
    requiresArg: true,
    describe: `How Duo answers: ${DUO_ANSWERS.join(', ')} (the table has ${DUO_SHOWN.join(', ')})`,
  },
  planned: {
    commands: ['explain'],
    type: 'boolean',
    describe: 'Who would get in after apply, not who gets in now',
  },
  reveal: { commands: ['secret'], type: 'boolean', describe: 'get: print the secret itself' },
  'pam-dir': {
    commands: ['explain'],
    takes: 'file',
    type: 'string',
    requiresArg: true,
    describe: 'No host: evaluate the service files of this folder',
  },
};

/** The flags of one command, for yargs. */
export const flagsOf = (command: CommandName): Readonly<Record<string, YargsOption>> =>
  Object.fromEntries(
    Object.entries(FLAGS)
      .filter(([, flag]) => flag.commands.includes(command))
      .map(([name, { type, describe, requiresArg, alias }]) => [
        name,
        { type, describe, requiresArg: requiresArg ?? false, ...(alias === undefined ? {} : { alias }) },
      ]),
  );

/** `known-hosts` -> `DUO_FLEET_KNOWN_HOSTS`. */
export const environmentName = (flag: string): string =>
  `DUO_FLEET_${flag.toUpperCase().replaceAll('-', '_')}`;
