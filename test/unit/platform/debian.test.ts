import { describe, expect, test } from 'vitest';
import { platformOf } from '../../../src/platform/debian.ts';

const os = (id: string, codename: string, idLike: readonly string[] = []) => ({
  id,
  idLike,
  versionId: '',
  codename,
  prettyName: `${id} ${codename}`,
});

const of = (id: string, codename: string, idLike: readonly string[] = [], architecture = 'amd64') =>
  platformOf({ os: os(id, codename, idLike), architecture });

describe('platformOf', () => {
  test.each([
    ['debian', 'bullseye', 'Debian'],
    ['debian', 'bookworm', 'Debian'],
    ['debian', 'trixie', 'Debian'],
    ['ubuntu', 'focal', 'Ubuntu'],
    ['ubuntu', 'jammy', 'Ubuntu'],
    ['ubuntu', 'noble', 'Ubuntu'],
  ])('%s %s is served from Duo’s folder %s', (id, codename, repositoryPath) => {
    expect(of(id, codename)).toMatchObject({ id, codename, repositoryPath });
  });

  test.each([
    ['debian', 'buster'],
    ['debian', 'sid'],
    ['debian', ''],
    ['debian', 'jammy'],
    ['ubuntu', 'oracular'],
    ['ubuntu', 'bookworm'],
    ['ubuntu', 'toString'],
  ])('%s "%s" is refused with the releases that there are packages for', (id, codename) => {
    expect(of(id, codename)).toEqual({
      refused: expect.stringMatching(/Duo has no packages; there are packages for \w+ \w+ \(/),
    });
  });

  test('a derivative of Ubuntu is served as the Ubuntu that it names', () => {
    expect(of('linuxmint', 'jammy', ['ubuntu', 'debian'])).toMatchObject({
      id: 'ubuntu',
      repositoryPath: 'Ubuntu',
      codename: 'jammy',
    });
  });

  test('a derivative of Debian is served as the Debian that it names', () => {
    expect(of('linuxmint', 'bookworm', ['debian'])).toMatchObject({ id: 'debian', codename: 'bookworm' });
  });

  test('a derivative with a codename of its own is refused, never guessed', () => {
    expect(of('kali', 'kali-rolling', ['debian'])).toEqual({
      refused: expect.stringContaining('a derivative'),
    });
  });

  test('a derivative of Debian alone does not get Ubuntu’s packages', () => {
    expect(of('devuan', 'jammy', ['debian'])).toHaveProperty('refused');
  });

  test('another family is refused with what is supported', () => {
    expect(of('rocky', '', ['rhel', 'fedora'])).toEqual({
      refused: expect.stringContaining('bookworm (12)'),
    });
  });

  test.each([
    ['arm64', /arm64.*amd64 only/],
    ['', /package database/],
  ])('architecture "%s" is refused', (architecture, message) => {
    expect(of('debian', 'bookworm', [], architecture)).toEqual({ refused: expect.stringMatching(message) });
  });

  test('a refusal cannot carry a terminal’s escape sequences', () => {
    const refusal = platformOf({
      os: { ...os('evil', ''), prettyName: '\u001b]0;owned\u0007' },
      architecture: 'amd64',
    });
    expect(refusal).toEqual({ refused: expect.not.stringMatching(/[\x00-\x1f]/) });
  });
});
