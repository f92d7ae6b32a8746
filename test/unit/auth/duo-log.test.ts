import { describe, expect, test } from 'vitest';
import { doubtOf, proofOf } from '../../../src/auth/duo-log.ts';

const ruleOf = (...lines: readonly string[]): string | null => doubtOf('canary', lines)?.rule ?? null;

describe('the module’s own log', () => {
  test.each([
    "Successful Duo login for 'canary' from UNKNOWN",
    "Nov 25 02:00:01 web1 sshd[12]: Successful Duo login for 'canary' from 198.51.100.7",
    "sshd-session[12]: Skipped Duo login for 'canary' from 198.51.100.7: Bypass",
  ])('proves that Duo was asked: %s', (line) => {
    expect(doubtOf('canary', [line])).toBeNull();
  });

  test.each([
    ['canary-failsafe', 'not-asked', "Failsafe Duo login for 'canary' from UNKNOWN: Invalid ikey or skey"],
    [
      'canary-failsecure',
      'denied',
      "Failsecure Duo login for 'canary' from UNKNOWN: Couldn't connect to api",
    ],
    ['canary-aborted', 'denied', "Aborted Duo login for 'canary' from UNKNOWN: User enrollment required"],
    ['canary-failed', 'denied', "Failed Duo login for 'canary' from UNKNOWN: Login request denied."],
    ['canary-error', 'denied', "Error in Duo login for 'canary' from UNKNOWN: HTTP 500"],
    ['canary-error', 'denied', "Couldn't get groups for 'canary': No such file"],
    ['canary-error', 'denied', "Couldn't open Duo API handle for 'canary' from UNKNOWN"],
    ['canary-bypassed', 'not-asked', "User canary bypassed Duo 2FA due to user's UNIX group"],
    ['canary-misconfigured', 'not-asked', 'Parse error in /etc/duo/pam_duo.conf, line 3'],
    ['canary-misconfigured', 'not-asked', 'Missing host, ikey, or skey in /etc/duo/pam_duo.conf'],
    ['canary-misconfigured', 'not-asked', "/etc/duo/pam_duo.conf must be readable only by user 'root'"],
    ['canary-misconfigured', 'not-asked', "Couldn't open /etc/duo/pam_duo.conf: No such file or directory"],
    ['canary-misconfigured', 'denied', "Invalid pam_duo option: 'config=x'"],
  ])('is no proof, by %s (%s): %s', (rule, meaning, line) => {
    expect(doubtOf('canary', [`sshd[1]: ${line}`])).toEqual({
      rule,
      meaning,
      message: expect.stringContaining(`Duo's module says: ${line}`),
    });
  });

  test.each([
    [
      'a name that somebody tries to log in by',
      (said: string) => `Invalid user ${said} from 203.0.113.9 port 4242`,
    ],
    [
      'such a name in a file',
      (said: string) => `Nov 25 02:00:01 web1 sshd[12]: Invalid user ${said} from 203.0.113.9`,
    ],
    ['a name with a tag in it', (said: string) => `Invalid user sshd[1]: ${said} from 203.0.113.9 port 4242`],
    ['a command', (said: string) => `alice : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=${said}`],
    [
      'a name that is failed',
      (said: string) => `Failed password for invalid user ${said} from 203.0.113.9 port 1 ssh2`,
    ],
    ['a name in a time stamp', (said: string) => `error: kex_exchange_identification: client sent ${said}`],
  ])('is not what stands in another program’s line: %s', (_what, lineOf) => {
    expect(ruleOf(lineOf("Successful Duo login for 'canary' from UNKNOWN"))).toBe('canary-silent');
    const good = "Successful Duo login for 'canary' from UNKNOWN";
    expect(ruleOf(good, lineOf("Failsafe Duo login for 'canary' from UNKNOWN: HTTP 500"))).toBeNull();
  });

  test.each([
    'Nov 25 02:00:01 web1 sshd[12]: ',
    'Nov  5 02:00:01 web1 sshd-session[12]: ',
    '2026-11-25T02:00:01.123456+00:00 web1 pam_duo[12]: ',
    'sudo[7]: ',
    '',
  ])('is read behind what a logger puts before it: %j', (before) => {
    expect(ruleOf(`${before}Successful Duo login for 'canary' from UNKNOWN`)).toBeNull();
  });

  test.each([
    ['approved', "Successful Duo login for 'canary' from UNKNOWN"],
    ['bypassed', "Skipped Duo login for 'canary' from 198.51.100.7: Bypass"],
  ])('tells a login that was %s from the other, in its own words', (how, line) => {
    expect(proofOf('canary', [`Nov 25 02:00:01 web1 sshd[12]: ${line}`])).toEqual({
      user: 'canary',
      how,
      line,
    });
  });

  test('proves nothing where there is a doubt, or where it is silent', () => {
    const good = "Successful Duo login for 'canary' from UNKNOWN";
    expect(proofOf('canary', [good, "Failsafe Duo login for 'canary' from UNKNOWN: HTTP 500"])).toBeNull();
    expect(proofOf('canary', ["Successful Duo login for 'alice' from UNKNOWN"])).toBeNull();
  });

  test('that is silent is no proof', () => {
    expect(ruleOf()).toBe('canary-silent');
    expect(ruleOf('sshd[1]: starting Duo Unix: PAM Duo', 'Accepted publickey for canary')).toBe(
      'canary-silent',
    );
  });

  test('that tells of others is no proof, and no doubt either', () => {
    expect(ruleOf("Successful Duo login for 'canary2' from UNKNOWN")).toBe('canary-silent');
    expect(
      ruleOf(
        "Failsafe Duo login for 'alice' from 192.0.2.1: HTTP 500",
        "Successful Duo login for 'canary' from UNKNOWN",
      ),
    ).toBeNull();
  });

  test('that tells of a way around Duo is no proof, whatever else it tells', () => {
    const good = "Successful Duo login for 'canary' from UNKNOWN";
    const bad = "Failsafe Duo login for 'canary' from UNKNOWN: HTTP 500";
    expect(ruleOf(good, bad)).toBe('canary-failsafe');
    expect(ruleOf(bad, good)).toBe('canary-failsafe');
  });

  test('is believed after a wrong passcode was followed by Duo’s yes', () => {
    expect(
      ruleOf(
        "Failed Duo login for 'canary' from UNKNOWN: Incorrect passcode.",
        "Successful Duo login for 'canary' from UNKNOWN",
      ),
    ).toBeNull();
  });

  test('is shown without control characters', () => {
    const message = doubtOf('canary', ["Failsafe Duo login for 'canary': \u001b[31mred"])?.message ?? '';
    expect(message).not.toContain('\u001b');
  });
});
