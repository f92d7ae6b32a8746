// A plan as people read it: every change of one host, files as unified diffs, secrets masked.
import { structuredPatch } from 'diff';
import type { Change, FileChange } from '../core/change.ts';
import type { Plan } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import type { Paint } from './paint.ts';
import { shown } from './words.ts';

const CONTEXT_LINES = 3;
/** Line edits that a diff may take; files further apart than this are not compared, for it would take too long. */
const EDITS_MAX = 2_000;
const LINE_LENGTH_MAX = 400;

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
  const title = `  [${change.step}] ${deed(change)}${why}`;
  if (change.kind !== 'file') return [title];
  const original = copiedFrom(change, plan);
  if (original === null) return [title, ...fileDiff(change, paint)];
  return [title, paint.dim(`    a copy of ${printable(original)} as it is now`)];
};

/** The file whose present content a new one keeps, `null` when it is no copy: its own diff shows it already. */
const copiedFrom = ({ shown: { before, after } }: FileChange, { changes }: Plan): string | null => {
  if (before !== null || after === null || after === '') return null;
  const original = changes.find((other) => other.kind === 'file' && other.shown.before === after);
  return original?.target ?? null;
};

const deed = (change: Change): string => {
  const target = printable(change.target);
  switch (change.kind) {
    case 'file':
      return `write ${target} (mode ${change.mode.toString(8).padStart(4, '0')})`;
    case 'absent':
      return `remove ${target}`;
    case 'reload':
      return `reload ${target}`;
    case 'restore':
      return change.copy === 'absent' ? `remove ${target}` : `put back ${target}`;
    case 'restore-packages': {
      const back = change.install.map(({ name, version }) => `${name} ${version}`);
      return [
        ...(back.length === 0 ? [] : [`put back ${back.join(', ')}`]),
        ...(change.purge.length === 0 ? [] : [`purge ${change.purge.join(', ')}`]),
      ].join(', ');
    }
    case 'packages': {
      const parts = [
        change.install.length === 0
          ? ''
          : `install ${change.install.join(', ')} (${change.minimumVersion} or later)`,
        change.purge.length === 0 ? '' : `purge ${change.purge.join(', ')}`,
      ];
      return parts.filter((part) => part !== '').join(', ');
    }
    default:
      return change satisfies never;
  }
};

const fileDiff = (change: FileChange, paint: Paint): readonly string[] => {
  const { before, after } = change.shown;
  if (after === null) return [paint.dim(`    ${change.content.byteLength} bytes, not shown`)];
  const patch = structuredPatch(change.target, change.target, before ?? '', after, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: EDITS_MAX,
  });
  if (patch === undefined) return [paint.dim('    too different to compare line by line')];
  if (patch.hunks.length === 0) return change.secret ? [paint.dim('    only what is masked differs')] : [];
  const target = printable(change.target);
  return [
    paint.dim(`    --- ${before === null ? '/dev/null' : target}`),
    paint.dim(`    +++ ${target}`),
    ...patch.hunks.flatMap((hunk) => [
      paint.dim(`    @@ -${lines(hunk.oldStart, hunk.oldLines)} +${lines(hunk.newStart, hunk.newLines)} @@`),
      ...hunk.lines.map((line) => diffLine(line, paint)),
    ]),
  ];
};

/** An empty side stands after line 0, as diff(1) writes it; the library counts it from 1. */
const lines = (start: number, count: number): string => `${count === 0 ? start - 1 : start},${count}`;

const diffLine = (line: string, paint: Paint): string => {
  const sign = line.slice(0, 1);
  // Blanks carry meaning in a diff, so only what is not one of them goes through printable.
  const text = line.slice(1).replaceAll('\t', '    ');
  const indent = /^ */.exec(text)?.[0] ?? '';
  const shown = `    ${sign}${indent.slice(0, LINE_LENGTH_MAX)}${printable(text, LINE_LENGTH_MAX)}`;
  if (sign === '+') return paint.good(shown);
  if (sign === '-') return paint.bad(shown);
  return shown;
};
