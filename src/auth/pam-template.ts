// A service file that the operator wrote himself -> the auth lines of it, which take the place of ours.
import { COMMON_PAM_FILES, PAM_MARK } from './managed-pam.ts';
import { ALL_BAD, parseControl } from './pam-control.ts';
import { parsePamFile, type PamLine, type PamProblem } from './pam-file.ts';

/** What of a rendered template counts. Line numbers are those of the rendered text. */
export interface PamTemplateReading {
  /** Its auth lines and the comments before them, each with its newline; '' when there are problems. */
  readonly authBlock: string;
  /** Lines that say something else and are left out: the host's own account, session and password lines stay. */
  readonly ignored: readonly number[];
  /** With any of them nothing may be done. */
  readonly problems: readonly PamProblem[];
}

/** Reads a rendered template: a whole service file, or its auth lines alone. Never throws. */
export const readPamTemplate = (text: string): PamTemplateReading => {
  const file = parsePamFile(text);
  const problems = [...file.problems, ...file.lines.flatMap(lineProblem)];
  const auth = file.lines.filter(isAuth);
  if (problems.length === 0 && auth.length === 0) {
    problems.push({ line: 1, message: 'there is no auth line, so libpam would take those of "other"' });
  }
  if (problems.length > 0) return { authBlock: '', ignored: [], problems };
  return {
    authBlock: file.lines
      .filter((line, at) => isAuth(line) || isCommentOfAuth(file.lines, at))
      .map((line) => `${line.text}\n`)
      .join(''),
    ignored: file.lines
      .filter((line) => line.says.kind !== 'nothing' && !isAuth(line))
      .map(({ line }) => line),
    problems: [],
  };
};

/** An include by a rule of type auth is one too; `@include` is of all types, and of common-auth it means the auth lines. */
const isAuth = ({ says }: PamLine): boolean =>
  says.kind === 'rule' ? says.type === 'auth' : says.kind === 'include' && says.file === 'common-auth';

const isComment = (line: PamLine | undefined): boolean => line?.text.startsWith('#') === true;

/** A comment whose block ends in an auth line; one that looks like our own marks would break the managed file. */
const isCommentOfAuth = (lines: readonly PamLine[], at: number): boolean => {
  if (!isComment(lines[at]) || lines[at]?.text.startsWith(PAM_MARK) === true) return false;
  const next = lines.slice(at).find((line) => !isComment(line));
  return next !== undefined && isAuth(next);
};

const lineProblem = ({ line, says }: PamLine): readonly PamProblem[] => {
  if (says.kind === 'rule' && !isControl(says.control)) {
    return [
      { line, message: `"${says.control.slice(0, 40)}" is no control value, so the line would always fail` },
    ];
  }
  return says.kind === 'include' && !COMMON_PAM_FILES.includes(says.file)
    ? [
        {
          line,
          message: `includes ${says.file}, which may hold lines of all types; write "auth include ${says.file}", or its auth lines themselves`,
        },
      ]
    : [];
};

const isControl = (control: string): boolean =>
  ['include', 'substack'].includes(control.toLowerCase()) || parseControl(control, 'from-1.6') !== ALL_BAD;
