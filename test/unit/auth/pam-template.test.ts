import { describe, expect, test } from 'vitest';
import { readPamTemplate } from '../../../src/auth/pam-template.ts';

describe('of a service file, its auth lines are taken', () => {
  test('with the comments that lead to them, as they stand, and the numbers of the others', () => {
    const file = `# Managed by Ansible
# === Auth section ===
auth    [success=1 default=ignore]  pam_succeed_if.so user = pbr_admin quiet

# Duo
-auth   requisite  pam_duo.so \\
          conf=/etc/duo/pam_duo.conf

# === Account section ===
account    required     pam_nologin.so
@include common-account
session    optional     pam_motd.so noupdate
`;
    expect(readPamTemplate(file)).toEqual({
      authBlock: `# Managed by Ansible
# === Auth section ===
auth    [success=1 default=ignore]  pam_succeed_if.so user = pbr_admin quiet
# Duo
-auth   requisite  pam_duo.so \\
          conf=/etc/duo/pam_duo.conf
`,
      ignored: [10, 11, 12],
      problems: [],
    });
  });

  test.each([
    '@include common-auth',
    'auth include common-auth',
    'auth substack own',
    'AUTH required pam_unix.so',
  ])('%s is one', (line) => {
    expect(readPamTemplate(`${line}\n`)).toEqual({ authBlock: `${line}\n`, ignored: [], problems: [] });
  });

  test.each(['sometimes', '[success=1 default=often]', '[=1]'])('%s is no control value', (control) => {
    expect(readPamTemplate(`auth ${control} pam_unix.so\n`).problems).toEqual([
      { line: 1, message: expect.stringContaining('is no control value') },
    ]);
  });

  test('a comment in the form of duo-fleet’s own marks is left out: it would end the block', () => {
    const reading = readPamTemplate('# duo-fleet: end auth\n@include common-auth\n');
    expect(reading.authBlock).toBe('@include common-auth\n');
  });
});

describe('nothing is taken of a file', () => {
  test.each([
    ['without an auth line', '# auth\n@include common-account\n', 1],
    ['that includes what may hold lines of all types', 'auth required pam_unix.so\n@include own\n', 2],
    ['with a line that names no module', 'auth required pam_unix.so\nauth required\n', 2],
    ['with a line of no type', 'auth required pam_unix.so\n\nrequired pam_unix.so\n', 3],
    ['with a carriage return', 'auth required pam_unix.so\r\n', 1],
  ])('%s, and the line is told', (_what, text, line) => {
    const reading = readPamTemplate(text);
    expect(reading).toMatchObject({ authBlock: '', ignored: [] });
    expect(reading.problems.map((problem) => problem.line)).toEqual([line]);
  });
});
