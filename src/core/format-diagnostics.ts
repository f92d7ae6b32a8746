// Diagnostics as people read them: file:line:column, the line, a caret, the remedy.
import type { Diagnostic } from './diagnostic.ts';

/** More than this many are counted, not shown. */
export const DIAGNOSTICS_SHOWN_MAX = 100;
/** A line's part around the caret that is shown, in characters. */
const SOURCE_WIDTH = 120;

/** Control characters would move the cursor; a tab would move the caret. */
const printable = (text: string): string =>
  text.replaceAll('\t', ' ').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');

const compare = (left: Diagnostic, right: Diagnostic): number =>
  Number(left.file > right.file) - Number(left.file < right.file) ||
  left.line - right.line ||
  left.column - right.column;

const sourceLines = (diagnostic: Diagnostic): readonly string[] => {
  const { line, column, source } = diagnostic;
  if (source.trim() === '') return [];
  const at = Math.min(column - 1, source.length);
  const from = at < SOURCE_WIDTH ? 0 : at - SOURCE_WIDTH / 2;
  const gutter = String(line).length + 2;
  const shown = printable(source.slice(from, from + SOURCE_WIDTH)).trimEnd();
  return [`${` ${line}`.padEnd(gutter)}| ${shown}`, `${' '.repeat(gutter)}| ${' '.repeat(at - from)}^`];
};

const formatOne = (diagnostic: Diagnostic): string => {
  const { file, line, column, severity, message, remedy } = diagnostic;
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  const head = `${place === '' ? '' : `${printable(place)}: `}${severity}: ${printable(message)}`;
  return [head, ...sourceLines(diagnostic), ...(remedy === '' ? [] : [`  ${printable(remedy)}`])].join('\n');
};

/** All diagnostics in the order of their places, an empty line between two, and their number at the end; '' for none. */
export const formatDiagnostics = (diagnostics: readonly Diagnostic[]): string => {
  if (diagnostics.length === 0) return '';
  const sorted = diagnostics.toSorted(compare);
  const shown = sorted.slice(0, DIAGNOSTICS_SHOWN_MAX).map(formatOne);
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const warnings = diagnostics.length - errors;
  const hidden = sorted.length - shown.length;
  const counts = [
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'error' : 'errors'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ].join(', ');
  return `${[...shown, `${counts}${hidden > 0 ? ` (${hidden} not shown)` : ''}`].join('\n\n')}\n`;
};
