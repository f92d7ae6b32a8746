import { describe, expect, test } from 'vitest';
import type { PamStep, PamVerdict } from '../../../src/auth/pam-situation.ts';
import { walkLines } from '../../../src/view/explain-walk.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';

const step = (over: Partial<PamStep>): PamStep => ({
  file: 'sshd',
  line: 1,
  text: 'auth required pam_permit.so',
  depth: 0,
  answer: { kind: 'returns', code: 'PAM_SUCCESS', why: 'always' },
  action: 'ok',
  ...over,
});
const verdict = (steps: readonly PamStep[], over: Partial<PamVerdict> = {}): PamVerdict => ({
  result: 'PAM_SUCCESS',
  sure: true,
  possible: ['PAM_SUCCESS'],
  steps,
  ...over,
});
const show = (said: PamVerdict, width = 80): readonly string[] =>
  walkLines(said, { width, paint: PLAIN_PAINT });

describe('a walk through a stack', () => {
  test('names place, line, answer, reason and what libpam did', () => {
    const lines = show(
      verdict([
        step({
          text: 'auth [success=1 default=ignore] pam_succeed_if.so quiet user = glass',
          answer: { kind: 'returns', code: 'PAM_SUCCESS', why: 'the user is glass' },
          action: 'jump 1',
        }),
        step({ line: 2, text: 'auth requisite pam_duo.so', answer: null, action: '' }),
        step({ line: 3, text: 'auth required pam_unix.so' }),
      ]),
    );
    expect(lines).toEqual([
      'sshd:1  auth [success=1 default=ignore] pam_succeed_if.so quiet user = glass',
      '      PAM_SUCCESS (the user is glass) -> skips one line',
      'sshd:2  auth requisite pam_duo.so',
      '      not run',
      'sshd:3  auth required pam_unix.so',
      '      PAM_SUCCESS (always) -> ok, goes on',
      'The stack answers PAM_SUCCESS.',
    ]);
  });

  test('a `done` that comes too late to end the stack is not told as its end', () => {
    const done = step({ action: 'done' });
    const enough = 'done, the stack ends here';
    expect(show(verdict([done])).join('\n')).toContain(enough);
    expect(show(verdict([done, step({ line: 2, answer: null, action: '' })])).join('\n')).toContain(enough);
    const late = show(verdict([step({ action: 'bad' }), done, step({ line: 3 })])).join('\n');
    expect(late).not.toContain(enough);
    expect(late).toContain('done, but a line before has failed: goes on');
  });

  test('a `done` inside a substack ends the substack, whatever the stack goes on to', () => {
    const lines = show(
      verdict([
        step({ file: 'own', depth: 1, action: 'done' }),
        step({ file: 'own', line: 2, depth: 1, answer: null, action: '' }),
        step({ line: 2 }),
      ]),
    ).join('\n');
    expect(lines).toContain('done, this substack ends here');
  });

  test('a substack that was entered does not look as if it had not been', () => {
    const substack = step({ text: 'auth substack own', answer: null, action: '' });
    const inside = step({ file: 'own', depth: 1 });
    expect(show(verdict([substack, inside, step({ line: 2 })])).join('\n')).not.toContain('not run');
    const skipped = step({ file: 'own', depth: 1, answer: null, action: '' });
    expect(
      show(verdict([substack, skipped, step({ line: 2 })]))
        .join('\n')
        .match(/not run/g),
    ).toHaveLength(2);
  });

  test('an answer that is not known is never shown as one, and the end names all that it may be', () => {
    const lines = show(
      verdict(
        [
          step({
            answer: { kind: 'unknown', codes: ['PAM_SUCCESS', 'PAM_AUTH_ERR'], why: 'pam_own is not known' },
          }),
        ],
        { sure: false, possible: ['PAM_SUCCESS', 'PAM_AUTH_ERR'] },
      ),
    ).join('\n');
    expect(lines).toContain('not known, may be PAM_SUCCESS or PAM_AUTH_ERR (pam_own is not known)');
    expect(lines).toContain('may answer PAM_SUCCESS or PAM_AUTH_ERR');
  });

  test('a host cannot steer the terminal by its service files', () => {
    const lines = show(verdict([step({ file: 'a\u001B[2Jb', text: 'auth\u001B]0;x\u0007 \u202Ereq' })])).join(
      '',
    );
    expect(lines).not.toMatch(/[\u001B\u0007\u202E]/);
  });

  test.each([80, 60, 40])('no line is wider than %i columns', (width) => {
    const lines = show(
      verdict([step({ text: `auth requisite ${'long '.repeat(40)}`, depth: 3, file: 'common-auth' })]),
      width,
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  });
});
