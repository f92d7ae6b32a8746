import { describe, expect, test } from 'vitest';
import { makeHarmless, makeScrub } from '../../../src/core/scrub.ts';
import { Secret } from '../../../src/core/secret.ts';

describe('known secrets are cut out of what is written down', () => {
  test('wherever they stand in a nested value', () => {
    const scrub = makeScrub([new Secret('hunter2hunter2')]);
    const value = {
      note: 'said hunter2hunter2!',
      list: [{ message: 'hunter2hunter2' }],
      count: 3,
      none: null,
    };
    expect(scrub(value)).toEqual({
      note: 'said [secret]!',
      list: [{ message: '[secret]' }],
      count: 3,
      none: null,
    });
  });

  test('a secret within a longer one leaves nothing of the longer one behind', () => {
    const scrub = makeScrub([new Secret('abcd'), new Secret('xxabcdyy')]);
    expect(scrub('xxabcdyy abcd')).toBe('[secret] [secret]');
  });

  test('characters that mean something in an expression are only characters', () => {
    expect(makeScrub([new Secret('a.*+?^${}()|[]\\b')])('1 a.*+?^${}()|[]\\b 2 axxb')).toBe(
      '1 [secret] 2 axxb',
    );
  });

  test('names keep their value: a host may be called like a password', () => {
    const scrub = makeScrub([new Secret('web1')]);
    expect(scrub({ type: 'run-started', hosts: ['web1'] })).toEqual({ type: 'run-started', hosts: ['web1'] });
    expect(scrub({ host: 'web1', failure: { step: 'connect', message: 'web1' } })).toEqual({
      host: 'web1',
      failure: { step: 'connect', message: '[secret]' },
    });
    expect(scrub({ hosts: [{ host: 'web1', note: 'web1' }] })).toEqual({
      hosts: [{ host: 'web1', note: '[secret]' }],
    });
  });

  test('without secrets, or with ones too short to be one, nothing changes', () => {
    expect(makeScrub([])('a b')).toBe('a b');
    expect(makeScrub([new Secret(''), new Secret('ok')])('it is ok')).toBe('it is ok');
  });

  test.each([8, 20, 39])(
    'the first %i signs of a secret before the cut of a long message are too much',
    (length) => {
      const secret = 'abcdefghijklmnopqrstuvwxyz0123456789ABCD';
      const scrub = makeScrub([new Secret(secret)]);
      expect(scrub(`skey=${secret.slice(0, length)}… and so on`)).toBe('skey=[secret]… and so on');
      expect(scrub(`skey=${secret.slice(0, length)} and so on`)).not.toContain('[secret]');
    },
  );
});

describe('what may hold a host’s words', () => {
  test('hides a secret that only comes together on its way to a terminal', () => {
    const harmless = makeHarmless([new Secret('hunter2hunter2')]);
    expect(harmless({ note: 'said hunter2\u001b[0mhunter2' })).toEqual({ note: 'said [secret]' });
  });

  test('steers no terminal, with or without secrets', () => {
    for (const secrets of [[], [new Secret('hunter2hunter2')]])
      expect(makeHarmless(secrets)(['a\u009b2J\u202eb\u001b]52;c;eA==\u0007'])).toEqual([
        'a\u{fffd}2J\u{fffd}b\u{fffd}]52;c;eA==\u{fffd}',
      ]);
  });
});
