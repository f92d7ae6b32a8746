import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../../src/core/diagnostic.ts';
import { DIAGNOSTICS_SHOWN_MAX, formatDiagnostics } from '../../../src/core/format-diagnostics.ts';

const make = (more: Partial<Diagnostic>): Diagnostic => ({
  severity: 'error',
  file: 'a.yml',
  line: 1,
  column: 1,
  message: 'wrong',
  remedy: '',
  source: '',
  ...more,
});

/** The sign of the line that stands above the caret. */
const caretOf = (source: string, column: number): string => {
  const [, line = '', caret = ''] = formatDiagnostics([make({ source, column })]).split('\n');
  return line[caret.indexOf('^')] ?? 'end';
};

describe('formatDiagnostics', () => {
  test('says nothing about nothing', () => {
    expect(formatDiagnostics([])).toBe('');
  });

  test('sorts by file, line and column, and counts', () => {
    const text = formatDiagnostics([
      make({ file: 'b.yml' }),
      make({ line: 10, severity: 'warning' }),
      make({ line: 2, column: 5, remedy: 'Mend it.' }),
      make({ line: 2, column: 1 }),
    ]);
    expect(text).toBe(
      'a.yml:2:1: error: wrong\n\na.yml:2:5: error: wrong\n  Mend it.\n\na.yml:10:1: warning: wrong\n\nb.yml:1:1: error: wrong\n\n3 errors, 1 warning\n',
    );
  });

  test('the caret stands below the column, also behind a tab, in a long line and beyond its end', () => {
    expect(caretOf('\tab: X', 6)).toBe('X');
    expect(caretOf(`${'x'.repeat(500)}Y${'x'.repeat(500)}`, 501)).toBe('Y');
    expect(caretOf('short', 99)).toBe('end');
  });

  test('control characters of a file do not reach the terminal', () => {
    const text = formatDiagnostics([
      make({ source: 'a\u001b[2Jb\u202e', message: 'x\u0007', file: 'f\u001b' }),
    ]);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('many are counted, not shown', () => {
    const many = Array.from({ length: DIAGNOSTICS_SHOWN_MAX + 5 }, (_, line) => make({ line: line + 1 }));
    expect(formatDiagnostics(many).endsWith(`\n\n${DIAGNOSTICS_SHOWN_MAX + 5} errors (5 not shown)\n`)).toBe(
      true,
    );
  });
});
