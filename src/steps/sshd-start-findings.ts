// What sshd is started with, and what in its settings does without Duo or shuts people out beside its ways to log in.
import type { Finding } from '../core/finding.ts';
import { contradicts } from '../auth/sshd-declared.ts';
import { parseSshdOptions } from '../auth/sshd-options.ts';
import { printable } from '../core/printable.ts';
import { breach, textOf, warning, type StepContext } from './step.ts';

/** Debian's openssh-server has its units and its init script read SSHD_OPTS there. */
export const SSHD_DEFAULTS_PATH = '/etc/default/ssh';

/** Sessions of one connection that a transaction cannot do without: the root shell and the lease. */
export const SESSIONS_MIN = 2;

/** Options on sshd's command line beat every file, and `sshd -T` does not know them. */
export const startFindings = (context: StepContext): readonly Finding[] => [
  ...optionFindings(context),
  ...environmentFindings(context),
  ...forceCommandFindings(context),
  ...serviceFindings(context),
  ...sessionFindings(context),
  ...otherKeyFindings(context),
];

const optionFindings = (context: StepContext): readonly Finding[] =>
  [...unitLines(context), ...defaultLines(context)].flatMap(({ where, words }) => {
    const { directives, files, strange } = parseSshdOptions(words);
    const bad = [
      ...directives
        .filter(({ keyword, value }) => keyword === 'include' || contradicts(keyword, value))
        .map(({ keyword, value }) => `-o ${keyword}=${value}`),
      ...files.filter((file) => file !== context.platform.sshdConfigPath).map((file) => `-f ${file}`),
      ...strange,
    ];
    return bad.map((option) =>
      breach(
        'sshd-options',
        `${where} starts sshd with ${option}, which beats every settings file; remove it there, and restart sshd`,
      ),
    );
  });

interface OptionWords {
  readonly where: string;
  readonly words: readonly string[];
}

const unitLines = ({ facts }: StepContext): readonly OptionWords[] =>
  facts.sshd.start.commands.map((command) => {
    const [program = '', ...words] = command.split(/[ \t]+/);
    // Anything else than sshd itself could start it with anything.
    const known = /^(?:\/usr)?\/s?bin\/sshd$/.test(program);
    return {
      where: 'its systemd unit',
      words: known ? words.filter((word) => !/^\$\{?SSHD_OPTS\}?$/.test(word)) : [program, ...words],
    };
  });

const defaultLines = ({ facts }: StepContext): readonly OptionWords[] =>
  [...(textOf(facts, SSHD_DEFAULTS_PATH) ?? '').matchAll(/^[ \t]*(?:export[ \t]+)?SSHD_OPTS=(.*)$/gm)].map(
    ([, value = '']) => ({ where: SSHD_DEFAULTS_PATH, words: value.split(/[ \t]+/) }),
  );

/** Where else the variable could come from. */
const environmentFindings = ({ facts }: StepContext): readonly Finding[] =>
  [
    ...facts.sshd.start.environment.filter((words) => words.includes('SSHD_OPTS')),
    ...facts.sshd.start.environmentFiles.filter((path) => path !== SSHD_DEFAULTS_PATH),
  ].map((what) =>
    breach(
      'sshd-options',
      `sshd's systemd unit takes its environment from ${what} too, which is not read; set SSHD_OPTS in ${SSHD_DEFAULTS_PATH} alone`,
    ),
  );

const valuesOf = ({ facts }: StepContext, label: string, keyword: string): readonly string[] =>
  (facts.sshd.effective[label] ?? facts.sshd.effective['*'])?.[keyword] ?? [];

/** login_duo would ask a second time, with settings that go away together with the outdated package. */
const forceCommandFindings = (context: StepContext): readonly Finding[] =>
  ['*', 'automation', 'root']
    .map((label) => valuesOf(context, label, 'forcecommand').join(' '))
    .filter((command, at, all) => /(?:^|\/)login_duo(?:\s|$)/.test(command) && all.indexOf(command) === at)
    .map((command) =>
      breach(
        'sshd-force-command',
        `sshd has forcecommand ${command}, the other way to Duo: people would be asked twice, or by a login_duo without settings; remove the line`,
      ),
    );

/** From OpenSSH 9.8 on sshd can go by another PAM service, where Duo is not (sshd_config(5), PAMServiceName). */
const serviceFindings = (context: StepContext): readonly Finding[] =>
  valuesOf(context, '*', 'pamservicename')
    .filter((name) => name !== 'sshd')
    .map((name) =>
      breach(
        'sshd-pam-service',
        `sshd goes by the PAM service ${name}, where Duo is not; remove PAMServiceName from its settings`,
      ),
    );

const sessionFindings = (context: StepContext): readonly Finding[] => {
  const told = valuesOf(context, 'automation', 'maxsessions')[0];
  if (told === undefined || !/^\d+$/.test(told) || Number(told) >= SESSIONS_MIN) return [];
  return [
    breach(
      'sshd-max-sessions',
      `sshd has maxsessions ${told}, ${SESSIONS_MIN} are needed: the way back has a session of its own; raise MaxSessions`,
    ),
  ];
};

/** Of a sentence's names. */
const NAMES_MAX = 10;

const knownFromLog = ({ facts }: StepContext): string => {
  const names = Object.entries(facts.accounts)
    .filter(
      ([, account]) => account !== null && account.authorizedKeys === 0 && account.keyLoginDaysAgo !== null,
    )
    .map(([name]) => printable(name))
    .toSorted();
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
  if (names.length > 0) return `in the last 90 days: ${names.slice(0, NAMES_MAX).join(', ')}${more}`;
  return facts.keyLoginLog === 'not read'
    ? "sshd's log was not looked into"
    : "sshd's log of the last 90 days tells of nobody";
};

/** Ways to have a key that no authorized_keys file shows: who uses one is known as far as sshd's log goes. */
const otherKeyFindings = (context: StepContext): readonly Finding[] =>
  context.settings.sshdConfig === 'check'
    ? []
    : ['authorizedkeyscommand', 'trustedusercakeys'].flatMap((keyword) => {
        const value = valuesOf(context, '*', keyword)[0] ?? 'none';
        return value === 'none'
          ? []
          : [
              warning(
                'key-login-elsewhere',
                `sshd takes keys by ${keyword} ${value} too, so it cannot be told who may log in by key alone today (${knownFromLog(context)}); whoever is in none of Duo's groups needs a password from now on, or a place in key_only_users`,
              ),
            ];
      });
