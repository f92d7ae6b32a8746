// What in sshd's settings opens a door or beats ours: from the files, with file:line, and from sshd's own answer.
import type { Finding } from '../core/finding.ts';
import { includesDropIns, isOlderOpenSsh, parseSshdConfig, type SshdDirective } from '../auth/sshd-config.ts';
import { breach, textOf, type StepContext } from './step.ts';

/** What we declare for everybody, keyword in lower case as `sshd -T` prints it. */
const DECLARED: Readonly<Record<string, string>> = {
  usepam: 'yes',
  kbdinteractiveauthentication: 'yes',
  pubkeyauthentication: 'yes',
  passwordauthentication: 'no',
  usedns: 'no',
  authenticationmethods: 'publickey,keyboard-interactive',
};

/** The same for what files may say: the older name of keyboard-interactive too. */
const DECLARED_IN_FILES: Readonly<Record<string, string>> = {
  ...DECLARED,
  challengeresponseauthentication: 'yes',
};

/** Keywords of a foreign Match block that decide how its users log in. */
const MATCH_KEYWORDS: readonly string[] = [
  'authenticationmethods',
  'passwordauthentication',
  'kbdinteractiveauthentication',
  'challengeresponseauthentication',
  'pubkeyauthentication',
  'include',
];

/** Whether the drop-in will be read first, and whether a Match block elsewhere beats it for somebody. */
export const dropInFindings = (context: StepContext): readonly Finding[] => {
  const { facts, platform } = context;
  const text = textOf(facts, platform.sshdConfigPath);
  if (isOlderOpenSsh(facts.sshd.version, 8, 2) === true) {
    return [breach('sshd-include', `OpenSSH ${facts.sshd.version} knows no Include; 8.2 or newer is needed`)];
  }
  if (text === null) {
    return [
      breach(
        'sshd-include',
        `${platform.sshdConfigPath} cannot be read, so it is not known whether ours would be`,
      ),
    ];
  }
  return [
    ...includeFindings(platform.sshdConfigPath, parseSshdConfig(text), platform.sshdDropInDir),
    ...[platform.sshdConfigPath, ...otherDropIns(context)].flatMap((path) =>
      matchFindings(path, parseSshdConfig(textOf(facts, path) ?? ''), context),
    ),
    ...otherDropIns(context)
      .filter((path) => path < platform.sshdDropInPath)
      .flatMap((path) => earlier(path, parseSshdConfig(textOf(facts, path) ?? ''), platform.sshdDropInPath)),
  ];
};

const otherDropIns = ({ facts, platform }: StepContext): readonly string[] =>
  Object.keys(facts.files).filter(
    (path) =>
      path.startsWith(`${platform.sshdDropInDir}/`) &&
      path.endsWith('.conf') &&
      path !== platform.sshdDropInPath &&
      textOf(facts, path) !== null,
  );

const includeFindings = (
  path: string,
  directives: readonly SshdDirective[],
  folder: string,
): readonly Finding[] => {
  const at = directives.findIndex(includesDropIns);
  if (at < 0) {
    return [
      breach(
        'sshd-include',
        `${path} does not include ${folder}; put this line at its top: Include ${folder}/*.conf`,
      ),
    ];
  }
  return earlier(path, directives.slice(0, at), `the Include of ${folder}`);
};

/** Settings for everybody that come before ours, and so win. */
const earlier = (path: string, directives: readonly SshdDirective[], ours: string): readonly Finding[] =>
  directives
    .filter(({ match, keyword, value }) => match === null && contradicts(keyword, value))
    .map(({ line, keyword }) =>
      breach(
        'sshd-earlier-setting',
        `${path}:${line}: sets ${keyword} before ${ours}, and the first value wins; remove the line`,
      ),
    );

const contradicts = (keyword: string, value: string): boolean => {
  const declared = DECLARED_IN_FILES[keyword];
  return declared !== undefined && declared !== value.toLowerCase();
};

const matchFindings = (
  path: string,
  directives: readonly SshdDirective[],
  context: StepContext,
): readonly Finding[] =>
  directives
    .filter(
      (directive) =>
        directive.match !== null &&
        MATCH_KEYWORDS.includes(directive.keyword) &&
        (directive.keyword === 'include' || contradicts(directive.keyword, directive.value)) &&
        !isSettledByUs(directive, context),
    )
    .map(({ line, keyword, match }) =>
      breach(
        'sshd-foreign-match',
        `${path}:${line}: ${keyword} under "Match ${match ?? ''}" beats duo-fleet's settings for whom it matches; remove it, or list the accounts in key_only_users or key_only_groups if they are to log in by key alone`,
      ),
    );

/** A block for accounts that we give a Match block of their own, which comes first: only the key may not be taken away. */
const isSettledByUs = ({ match, keyword }: SshdDirective, { settings }: StepContext): boolean => {
  const users = /^user[ \t]+([^ \t]+)$/i.exec(match ?? '')?.[1]?.split(',');
  const ours = [settings.connection.user, ...settings.keyOnlyUsers];
  return (
    users !== undefined &&
    users.every((user) => ours.includes(user)) &&
    keyword !== 'pubkeyauthentication' &&
    keyword !== 'include'
  );
};

// --- from sshd's own answer ---

/** What sshd says for a label, one value a keyword, in lower case; `undefined` where it was not asked. */
const effective = ({ facts }: StepContext, label: string, keyword: string): string | undefined =>
  facts.sshd.effective[label]?.[keyword]?.join(' ').toLowerCase();

/** Effective settings that are not as declared; meant for a host whose drop-in is in place. */
export const overridden = (context: StepContext): readonly Finding[] => {
  const wishes: readonly (readonly [label: string, keyword: string, value: string])[] = [
    ...Object.entries(DECLARED).map(([keyword, value]) => ['*', keyword, value] as const),
    ['automation', 'authenticationmethods', 'publickey'],
    ['automation', 'pubkeyauthentication', 'yes'],
    ...(context.settings.breakGlass === null
      ? []
      : ([
          ['breakglass', 'authenticationmethods', 'password'],
          ['breakglass', 'passwordauthentication', 'yes'],
        ] as const)),
  ];
  return wishes.flatMap(([label, keyword, value]) => {
    const is = effective(context, label, keyword);
    if (is === undefined || is === value) return [];
    return [
      breach(
        'sshd-overridden',
        `sshd has ${keyword} ${is} for ${personOf(label, context)}, should be ${value}; another file beats ${context.platform.sshdDropInPath}`,
        label === '*' ? 'host' : personOf(label, context),
      ),
    ];
  });
};

const personOf = (label: string, { settings }: StepContext): string => {
  if (label === 'automation') return settings.connection.user;
  return label === 'breakglass' ? (settings.breakGlass?.user ?? label) : 'everybody';
};

/** duo_sshd_config: check — what in the effective settings would open a door or shut automation out. */
export const checkedSettings = (context: StepContext): readonly Finding[] => {
  const wrong = (keyword: string, wanted: string): readonly Finding[] => {
    const is = effective(context, '*', keyword) ?? 'unset';
    return is === wanted ? [] : [door(keyword, is, `set it to ${wanted}`)];
  };
  const methods = effective(context, '*', 'authenticationmethods') ?? 'any';
  const automation = effective(context, 'automation', 'authenticationmethods');
  return [
    ...wrong('usepam', 'yes'),
    ...wrong('kbdinteractiveauthentication', 'yes'),
    ...wrong('passwordauthentication', 'no'),
    ...(methods.split(' ').every(isKeyThenConversation)
      ? []
      : [door('authenticationmethods', methods, 'set it to publickey,keyboard-interactive')]),
    ...(automation === undefined || automation === 'any' || automation.split(' ').includes('publickey')
      ? []
      : [
          breach(
            'automation-shut-out',
            `sshd has authenticationmethods ${automation} for ${context.settings.connection.user}, which logs in by key alone; give it a Match block`,
            context.settings.connection.user,
          ),
        ]),
  ];
};

const door = (keyword: string, is: string, remedy: string): Finding =>
  breach('sshd-open-door', `sshd has ${keyword} ${is}; ${remedy}, or let duo_sshd_config be managed`);

/** The key first: the gate in PAM reads what sshd has verified first. */
const isKeyThenConversation = (list: string): boolean =>
  /^publickey,(?:.*,)?keyboard-interactive(?::pam)?(?:,.*)?$/.test(list);
