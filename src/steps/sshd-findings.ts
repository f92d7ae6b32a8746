// What in sshd's settings opens a door or beats ours: from the files, with file:line, and from sshd's own answer.
import type { Finding } from '../core/finding.ts';
import { contradicts, DECLARED, isKeyThenConversation } from '../auth/sshd-declared.ts';
import {
  includesDropIns,
  includesNothingElse,
  isOlderOpenSsh,
  parseSshdConfig,
  type SshdDirective,
} from '../auth/sshd-config.ts';
import { breach, textOf, type StepContext } from './step.ts';

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
    ...foreignSettings(context),
    ...otherDropIns(context)
      .filter((path) => path < platform.sshdDropInPath)
      .flatMap((path) => earlier(path, parseSshdConfig(textOf(facts, path) ?? ''), platform.sshdDropInPath)),
  ];
};

/**
 * What holds for some accounts only, or stands where we do not look: `sshd -T` for a user whom we happen to ask for would
 * not show it, and each of them has let a member of Duo's groups in by key alone.
 */
const foreignSettings = (context: StepContext): readonly Finding[] => [
  ...[context.platform.sshdConfigPath, ...otherDropIns(context)].flatMap((path) => {
    const directives = parseSshdConfig(textOf(context.facts, path) ?? '');
    return [...matchFindings(path, directives, context), ...includedElsewhere(path, directives, context)];
  }),
  ...unreadDropIns(context),
];

const dropIns = ({ facts, platform }: StepContext): readonly string[] =>
  Object.keys(facts.files).filter(
    (path) =>
      path.startsWith(`${platform.sshdDropInDir}/`) &&
      path.endsWith('.conf') &&
      path !== platform.sshdDropInPath,
  );

const otherDropIns = (context: StepContext): readonly string[] =>
  dropIns(context).filter((path) => textOf(context.facts, path) !== null);

/** Drop-ins that sshd reads and we do not: symbolic links, names with blanks (they come as absent), too large ones. */
const unreadDropIns = (context: StepContext): readonly Finding[] =>
  dropIns(context)
    .filter((path) => textOf(context.facts, path) === null)
    .map((path) => {
      const file = context.facts.files[path];
      const what =
        file?.kind === 'other'
          ? `is ${file.what}`
          : 'has a name with unusual signs, or is too large or no text';
      return breach(
        'sshd-unread',
        `${path} ${what}: sshd goes by it, and it is not known what it says; make it a plain text file with a plain name`,
      );
    });

/** Files that are included from other places than the drop-in folder: they are not read either. */
const includedElsewhere = (
  path: string,
  directives: readonly SshdDirective[],
  { platform }: StepContext,
): readonly Finding[] =>
  directives
    .filter(
      (directive) =>
        directive.keyword === 'include' &&
        directive.match === null &&
        !(path === platform.sshdConfigPath && includesNothingElse(directive)),
    )
    .map(({ line, value }) =>
      breach(
        'sshd-unread',
        `${path}:${line}: includes ${value}, which sshd goes by and duo-fleet does not read; move what it says into ${platform.sshdDropInDir}`,
      ),
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
        isForeign(directive, context) &&
        !isSettledByUs(directive, context),
    )
    .map(({ line, keyword, match }) =>
      breach(
        'sshd-foreign-match',
        `${path}:${line}: ${keyword} under "Match ${match ?? ''}" beats what is declared for whom it matches; remove it, or list the accounts in key_only_users or key_only_groups if they are to log in by key alone`,
      ),
    );

const isForeign = ({ keyword, value }: SshdDirective, { settings }: StepContext): boolean => {
  if (keyword === 'include') return true;
  if (keyword === 'authenticationmethods' && isKeyThenConversation(value)) return false;
  // Where others set sshd up, passwords for some do no harm as long as the methods want the key first.
  if (keyword === 'passwordauthentication' && settings.sshdConfig === 'check') return false;
  return contradicts(keyword, value);
};

/** A block for accounts that we give a Match block of their own, which comes first: only the key may not be taken away. */
const isSettledByUs = ({ match, keyword }: SshdDirective, { settings }: StepContext): boolean => {
  const users = /^user[ \t]+([^ \t]+)$/i.exec(match ?? '')?.[1]?.split(',');
  const groups = /^group[ \t]+([^ \t]+)$/i.exec(match ?? '')?.[1]?.split(',');
  const ours = [
    settings.connection.user,
    ...settings.keyOnlyUsers,
    // Where others set sshd up, its way in past Duo is theirs to write.
    ...(settings.sshdConfig === 'check' && settings.breakGlass !== null ? [settings.breakGlass.user] : []),
  ];
  return (
    (users?.every((user) => ours.includes(user)) === true ||
      groups?.every((group) => settings.keyOnlyGroups.includes(group)) === true) &&
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
    ...foreignSettings(context),
    ...wrong('usepam', 'yes'),
    ...wrong('kbdinteractiveauthentication', 'yes'),
    ...wrong('passwordauthentication', 'no'),
    ...(isKeyThenConversation(methods)
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
