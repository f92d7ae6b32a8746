// What the host tells of who logs in how: sshd's units, sudo's defaults, accounts that have expired.
import { describe, expect, test } from 'vitest';
import { parseObserveOutput } from '../../../src/remote/observe.ts';
import { nonce, observeAnswer } from '../../support/observe-answer.ts';

const parse = (changes: Parameters<typeof observeAnswer>[0]) =>
  parseObserveOutput(Buffer.from(observeAnswer(changes), 'latin1'), nonce);
const block = (id: string, active: string, argv: string) => [
  `|Id=${id}`,
  '|LoadState=loaded',
  `|ActiveState=${active}`,
  `|ExecStart={ path=/usr/sbin/sshd ; argv[]=${argv} ; ignore_errors=no ; start_time=[n/a] ; code=(null) }`,
  '|Environment=',
  '|EnvironmentFiles=/etc/default/ssh (ignore_errors=yes)',
];
const says = (...lines: string[]) =>
  parse({ sudo: ['Sudo version 1.9.13p3', ...lines].map((line) => `|${line}`).concat('') }).sudo.defaults;

describe('a host tells', () => {
  test('a unit tells how it starts sshd, one for each connection too, and that one does not serve', () => {
    const { sshd } = parse({
      units: [
        ...block('ssh@x.service', 'active', '/usr/sbin/sshd -i $SSHD_OPTS'),
        '|',
        ...block('ssh.service', 'inactive', '/usr/sbin/sshd -D $SSHD_OPTS'),
        '',
      ],
    });
    expect(sshd.unit).toBe('ssh');
    expect(sshd.serviceActive).toBe(false);
    expect(sshd.start).toEqual({
      commands: ['/usr/sbin/sshd -i $SSHD_OPTS', '/usr/sbin/sshd -D $SSHD_OPTS'],
      environment: [],
      environmentFiles: ['/etc/default/ssh'],
    });
  });

  test('sudo tells whether it asks, how often and through which PAM services', () => {
    const rest = [
      'Authentication timestamp timeout: 30.0 minutes',
      'PAM service name to use: sudo',
      'PAM service name to use for login shells: sudo-i',
    ];
    const asks = { authenticate: true, timestampTimeoutMin: 30, services: ['sudo', 'sudo-i'] };
    expect(says('Require users to authenticate by default', ...rest)).toEqual(asks);
    expect(says(...rest)).toEqual({ ...asks, authenticate: false });
    expect(says()).toBeNull();
  });

  test('an account that has expired is one', () => {
    const { accounts } = parse({
      accounts: ['|carol:1:1:/:/bin/sh:set expired:/k', '|dave:2:2:/:/bin/sh:set:/k'],
      keys: ['|/etc/passwd:0', '|/k:0', '|exit 0'],
    });
    expect(accounts['carol']).toMatchObject({ password: 'set', expired: true });
    expect(accounts['dave']).toMatchObject({ password: 'set', expired: false });
  });
});
