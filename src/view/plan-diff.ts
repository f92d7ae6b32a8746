// A plan as people read it: every change of one host, files as unified diffs, secrets masked.
import { changeDiff, deedOf, type ChangeDiff, type FileDiff } from '../core/change-diff.ts';
import type { Change } from '../core/change.ts';
import type { Plan } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import type { Paint } from './paint.ts';
import { shown } from './words.ts';

/** The lines that show one host's plan. */
export const planDiff = (plan: Plan, paint: Paint): readonly string[] => {
  const host = printable(plan.host);
  const count = plan.changes.length;
  const title =
    count === 0 ? `${host}: nothing to change` : `${host}: ${count} ${count === 1 ? 'change' : 'changes'}`;
  return [
    paint.bold(title),
    ...plan.findings.map((finding) => {
      const text = `  ${finding.severity}: ${shown(finding.message)} [${finding.rule}]`;
      return finding.severity === 'breach' ? paint.bad(text) : paint.warn(text);
    }),
    ...plan.changes.flatMap((change) => changeLines(change, plan, paint)),
    '',
  ];
};

const changeLines = (change: Change, plan: Plan, paint: Paint): readonly string[] => {
  const why = change.why.length === 0 ? '' : `: ${change.why.map((reason) => shown(reason)).join('; ')}`;
  const diff = changeDiff(change, plan.changes);
  const title = `  [${change.step}] ${deedOf(change, diff)}${why}`;
  return diff?.kind === 'file' ? [title, ...fileLines(change.target, diff, paint)] : [title];
};

const fileLines = (
  path: string,
  { isNew, text }: Extract<ChangeDiff, { readonly kind: 'file' }>,
  paint: Paint,
): readonly string[] => {
  if (text.kind !== 'lines') return [paint.dim(`    ${insteadOfLines(text)}`)];
  if (text.hunks.length === 0) return [];
  const target = printable(path);
  return [
    paint.dim(`    --- ${isNew ? '/dev/null' : target}`),
    paint.dim(`    +++ ${target}`),
    ...text.hunks.flatMap(({ head, lines }) => [
      paint.dim(`    ${head}`),
      ...lines.map((line) => diffLine(line, paint)),
    ]),
    ...(text.linesCut === 0 ? [] : [paint.dim(`    and ${text.linesCut} more lines`)]),
  ];
};

/** What is said of a file whose lines are not shown. */
export const insteadOfLines = (text: Exclude<FileDiff, { readonly kind: 'lines' }>): string => {
  switch (text.kind) {
    case 'copy':
      return `a copy of ${printable(text.of)} as it is now`;
    case 'bytes':
      return `${text.count} bytes, not shown`;
    case 'too-different':
      return 'too different to compare line by line';
    case 'only-masked':
      return 'only what is masked differs';
    default:
      return text satisfies never;
  }
};

const diffLine = (line: string, paint: Paint): string => {
  if (line.startsWith('+')) return paint.good(`    ${line}`);
  return line.startsWith('-') ? paint.bad(`    ${line}`) : `    ${line}`;
};
