// What sudo says that an account may do, out of observe.sh's answer.
import type { SudoRights } from '../core/facts.ts';
import { printable } from '../core/printable.ts';
import { allFor, type Sections, splitExit, utf8 } from './observe-sections.ts';

interface Rule {
  /** `(ALL : ALL)` without the parentheses. */
  readonly runas: string;
  readonly command: string;
  readonly text: string;
  readonly isSilent: boolean;
}

/** Rules of one account that are shown; a list beyond that is not known. */
const RULES_MAX = 200;

/**
 * The rights of an account by `sudo -l -U`, whose list begins after the line `User NAME may run ...` and has one line for each
 * run-as list (display_priv_short in sudo's plugins/sudoers/display.c; sudo-rs prints the same). Unknown where sudo was not
 * asked, or said anything else than a list or that the account may do nothing.
 */
export const readSudoRights = (sections: Sections, name: string, groups: readonly string[]): SudoRights => {
  const [section] = allFor(sections, 'rights', name);
  // Without its exit status the answer was cut by the timeout.
  if (section === undefined || !/^exit \d+$/.test(section.lines.at(-1) ?? '')) return { kind: 'unknown' };
  const { lines, status } = splitExit(section);
  const text = lines.map(utf8);
  const at = text.findIndex((line) => line.startsWith(`User ${name} may run the following commands on `));
  if (at === -1) return saysNothingAllowed(text, name, status) ? { kind: 'none' } : { kind: 'unknown' };
  if (status !== 0) return { kind: 'unknown' };
  return rightsOf(text.slice(at + 1), text.slice(0, at), groups);
};

/** sudo ends with 0 and says it of the account; sudo-rs ends with 1 and says it of root, who asked. */
const saysNothingAllowed = (lines: readonly string[], name: string, status: number): boolean =>
  lines.some((line) =>
    status === 0
      ? line.startsWith(`User ${name} is not allowed to run sudo on `)
      : line.startsWith(`sudo-rs: Sorry, user root is not allowed to execute 'list' as ${name} on `),
  );

const rightsOf = (
  list: readonly string[],
  before: readonly string[],
  groups: readonly string[],
): SudoRights => {
  const silentByDefault = isSilentByDefault(before, groups);
  const rules = list.flatMap((line) => rulesOf(line, silentByDefault));
  if (rules.length > RULES_MAX) return { kind: 'unknown' };
  const counting = rules.filter(
    (rule, index) => !rules.slice(index + 1).some((later) => overrides(later, rule)),
  );
  const allowed = counting.filter(({ command }) => !command.startsWith('!'));
  if (allowed.length === 0) return { kind: 'none' };
  const elsewhere = optionsElsewhere(before);
  return {
    kind: 'some',
    asking: allowed.filter(({ isSilent }) => !isSilent).map(({ text }) => text),
    silent: [...allowed.filter(({ isSilent }) => isSilent).map(({ text }) => text), ...boundDefaults(before)],
    ...(elsewhere.length > 0 ? { elsewhere } : {}),
  };
};

/** sudoers(5): whose password sudo asks for, and by which of PAM's services; of each the last word counts. */
const optionsElsewhere = (before: readonly string[]): readonly string[] => {
  const options = optionsOf(before);
  const flags = ['rootpw', 'targetpw', 'runaspw'].filter(
    (flag) => options.findLast((option) => option === flag || option === `!${flag}`) === flag,
  );
  const services = ['pam_service', 'pam_login_service'].flatMap((key) => {
    const last = options.findLast((option) => option.startsWith(`${key}=`));
    return last === undefined || SERVICES.includes(last.slice(key.length + 1)) ? [] : [last];
  });
  const bound = before.filter(
    (line) =>
      line.startsWith('    Defaults') && /[ ,](?:(?:root|target|runas)pw|pam_(?:login_)?service=)/.test(line),
  );
  return [...flags, ...services, ...bound].map((option) => printable(option.trim()));
};

/** Those that Duo is put on. */
const SERVICES: readonly string[] = ['sudo', 'sudo-i'];

/** The options that sudo prints for the account before its rules, without those bound to a command or a target. */
const optionsOf = (before: readonly string[]): readonly string[] =>
  before
    .filter((line) => line.startsWith('    ') && !line.startsWith('    Defaults'))
    .flatMap((line) => line.trim().split(/(?<!\\), ?/));

/** Whether what is said last of `authenticate`, or the exempt group, lets this account pass unasked (sudoers(5)). */
const isSilentByDefault = (before: readonly string[], groups: readonly string[]): boolean => {
  const options = optionsOf(before);
  const last = options.filter((option) => /^!?authenticate$/.test(option)).at(-1);
  const exempt = options
    .filter((option) => option.startsWith('exempt_group='))
    .at(-1)
    ?.slice(13);
  return last === '!authenticate' || (exempt !== undefined && groups.includes(exempt.replaceAll('"', '')));
};

/** `Defaults!/bin/ls !authenticate`: sudo prints them whether they touch the account or not. */
const boundDefaults = (before: readonly string[]): readonly string[] =>
  before
    .filter((line) => line.startsWith('    Defaults') && /[ ,]!authenticate(?:,|$)/.test(line))
    .map((line) => printable(line.trim()));

/** `    (root) NOPASSWD: /bin/a, PASSWD: /bin/b, /bin/c`: a tag holds for what follows it too. */
const rulesOf = (line: string, silentByDefault: boolean): readonly Rule[] => {
  const match = /^ {4}\(([^)]*)\) (.*)$/.exec(line);
  if (match === null) return [];
  const [, runas = '', rest = ''] = match;
  let isSilent = silentByDefault;
  let tag = '';
  return rest.split(/(?<!\\), /).map((part) => {
    const words = /^((?:[A-Z_]+(?:: ?|=\S+ ))*)(.*)$/s.exec(part);
    for (const [word] of (words?.[1] ?? '').matchAll(/\b(?:NO)?PASSWD:/g)) {
      isSilent = word === 'NOPASSWD:';
      tag = `${word} `;
    }
    const command = words?.[2] ?? '';
    return { runas, command, text: printable(`(${runas}) ${tag}${command}`), isSilent };
  });
};

/** Of the rules that match, the last one counts (sudoers(5)); one for ALL matches whatever an earlier one does. */
const overrides = (later: Rule, earlier: Rule): boolean =>
  /^!?ALL$/.test(later.command) && (later.runas === earlier.runas || /^ALL(?: : ALL)?$/.test(later.runas));
