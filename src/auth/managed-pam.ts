// What a service file of /etc/pam.d becomes: the administrator's own file with only its auth lines exchanged for ours.
// A whole-file template would drop account and session lines that keep people out (pam_access) or let them work.
import { moduleName, parsePamFile } from './pam-file.ts';
import type { PamFile, PamLine, PamProblem, PamRule } from './pam-file.ts';

/** Everything of ours in a file is a comment that begins so, or lies between the two markers. */
export const PAM_MARK = '# duo-fleet:';
const BEGIN = `${PAM_MARK} begin auth`;
const END = `${PAM_MARK} end auth`;

export interface PamSources {
  /** The live file's text; `null` when it is absent. */
  readonly live: string | null;
  /** The kept base's text; `null` when there is none. */
  readonly kept: string | null;
  /** Comment lines that begin with {@link PAM_MARK}, put on top; ends with a newline. */
  readonly header: string;
  /** The auth lines, without markers; ends with a newline. */
  readonly authBlock: string;
}

export interface ManagedPam {
  /** Where the base comes from: the live file (never managed, or replaced since), what was kept, or the live one without our block. */
  readonly origin: 'live' | 'kept' | 'derived';
  /** The file as it is without us, to be kept. */
  readonly base: string;
  /** The file as it has to be; '' when there are problems. */
  readonly declared: string;
  /** Lines (of the origin) that stand in the way; with any of them nothing may be changed. */
  readonly problems: readonly PamProblem[];
}

/**
 * The declared content of a service file, or why there is none; `null` when there is neither a live file nor a base.
 * A live file with our markers is ours: whatever was changed in it is drift, its base is the kept one.
 */
export const managedPam = (sources: PamSources): ManagedPam | null => {
  const found = findBase(sources);
  if (found === null || 'problems' in found) return found;
  const file = parsePamFile(found.base);
  const problems = [...file.problems, ...file.lines.flatMap((line) => lineProblem(line, file))];
  const declared = problems.length > 0 ? '' : compose(file, sources);
  return { ...found, declared, problems };
};

/** Whether a text carries our header or one of our markers. */
export const isManagedPam = (text: string): boolean =>
  text.split('\n').some((line) => line.startsWith(PAM_MARK));

const findBase = ({ live, kept }: PamSources): Pick<ManagedPam, 'origin' | 'base'> | ManagedPam | null => {
  if (live !== null && !isManagedPam(live)) return { origin: 'live', base: live };
  if (kept !== null) return { origin: 'kept', base: kept };
  if (live === null) return null;
  const base = withoutBlock(live);
  if (base !== null) return { origin: 'derived', base };
  const message =
    'the file has some of our marks but not one whole block of ours, and what it was before is lost: restore it';
  return { origin: 'derived', base: '', declared: '', problems: [{ line: 1, message }] };
};

/** The live file with our block taken out and the distribution's auth lines in its place; `null` when it is not whole. */
const withoutBlock = (live: string): string | null => {
  const lines = live.split('\n');
  const begins = lines.flatMap((line, at) => (line === BEGIN ? [at] : []));
  const ends = lines.flatMap((line, at) => (line === END ? [at] : []));
  const [begin, end] = [begins[0], ends[0]];
  if (begins.length !== 1 || ends.length !== 1 || begin === undefined || end === undefined || end < begin) {
    return null;
  }
  return [...lines.slice(0, begin), '@include common-auth', ...lines.slice(end + 1)]
    .filter((line) => !line.startsWith(PAM_MARK))
    .join('\n');
};

const compose = (file: PamFile, { header, authBlock }: PamSources): string => {
  const first = file.lines.findIndex(isReplaced);
  // Without any auth line libpam takes those of the service "other"; ours go before the first rule then.
  const rule = file.lines.findIndex((line) => line.says.kind !== 'nothing');
  const place = first >= 0 ? first : rule >= 0 ? rule : file.lines.length;
  const before = textOfKept(file.lines.slice(0, place));
  const after = textOfKept(file.lines.slice(place));
  return `${header}${before}${BEGIN}\n${authBlock}${END}\n${after}`;
};

const textOfKept = (lines: readonly PamLine[]): string =>
  lines
    .filter((line) => !isReplaced(line))
    .map((line) => `${line.text}\n`)
    .join('');

// --- which lines may go, and which stand in the way ---

/** Files that Debian's service files include for all types; pam-auth-update keeps auth lines in common-auth alone. */
export const COMMON_PAM_FILES: readonly string[] = [
  'common-auth',
  'common-account',
  'common-password',
  'common-session',
  'common-session-noninteractive',
];

/** Modules whose auth lines our block stands in for: the password itself, and what older Duo set-ups are made of. */
const REPLACEABLE: readonly string[] = [
  'pam_duo.so',
  'pam_succeed_if.so',
  'pam_permit.so',
  'pam_deny.so',
  'pam_unix.so',
  'pam_nologin.so',
  'pam_env.so',
  'pam_faildelay.so',
];

const isReplaced = ({ says }: PamLine): boolean =>
  (says.kind === 'include' && says.file === 'common-auth') || (says.kind === 'rule' && says.type === 'auth');

const lineProblem = (line: PamLine, file: PamFile): readonly PamProblem[] => {
  const message = problemOf(line, file);
  return message === null ? [] : [{ line: line.line, message }];
};

const problemOf = ({ says }: PamLine, file: PamFile): string | null => {
  switch (says.kind) {
    case 'nothing':
      return null;
    case 'include':
      return COMMON_PAM_FILES.includes(says.file)
        ? null
        : `includes ${says.file}, which may hold auth lines of its own; move what it says into this file`;
    case 'rule':
      return says.type === 'auth' ? authProblem(says, file) : legacyProblem(says);
    default:
      return says satisfies never;
  }
};

const authProblem = (rule: PamRule, file: PamFile): string | null => {
  const name = moduleName(rule.module);
  if (rule.control === 'include' || rule.control === 'substack') {
    return rule.module === 'common-auth' ? null : foreign(`includes ${rule.module} for auth`);
  }
  if (!REPLACEABLE.includes(name)) return foreign(`uses ${name} for auth`);
  // A branch around Duo may go, a rule that keeps people out may not: that would open the host to them.
  if (name === 'pam_succeed_if.so' && !isBranch(rule.control)) {
    return foreign('keeps people out with pam_succeed_if.so');
  }
  const alsoAccount = file.lines.some(
    ({ says }) =>
      says.kind === 'rule' && says.type === 'account' && moduleName(says.module) === 'pam_nologin.so',
  );
  if (name === 'pam_nologin.so' && !alsoAccount) {
    return foreign('honours /etc/nologin for auth only');
  }
  return null;
};

const foreign = (what: string): string =>
  `${what}, which would be lost; move it to the host's common-auth, or make it an account line, or remove it`;

/** Whether a control value never refuses by itself: `sufficient`, `optional`, or `[... default=ignore]` without bad and die. */
const isBranch = (control: string): boolean =>
  control === 'sufficient' ||
  control === 'optional' ||
  (/\bdefault\s*=\s*ignore\b/.test(control) && !/=\s*(?:bad|die)\b/.test(control));

/** Paths that libpam finds the distribution's legacy module under; Duo's own package never installs it there. */
export const isLegacyDuoModule = (module: string): boolean =>
  moduleName(module) === 'pam_duo.so' &&
  (!module.startsWith('/') || /^(?:\/usr)?\/lib\/[^/]+\/security\//.test(module));

const legacyProblem = (rule: PamRule): string | null =>
  isLegacyDuoModule(rule.module)
    ? `names ${rule.module} for ${rule.type}, where it does nothing; it goes with the outdated package, and then nobody could pass: remove the line`
    : null;
