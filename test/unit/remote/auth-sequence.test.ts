import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.ts';
import { AuthSequence, type Offer } from '../../../src/remote/auth-sequence.ts';

const anyKey = ssh2.utils.parseKey(ssh2.utils.generateKeyPairSync('ed25519').private);
if (anyKey instanceof Error) throw anyKey;
const key = (factor: number, title: string): Offer => ({ factor, title, kind: 'key', key: anyKey });
const password = (factor: number): Offer => ({
  factor,
  title: 'a password',
  kind: 'password',
  password: new Secret('x'),
});
const answers = (factor: number): Offer => ({
  factor,
  title: 'answers',
  kind: 'keyboard-interactive',
  answer: new Secret('x'),
});
const ALL = ['publickey', 'password', 'keyboard-interactive'];

describe('what is offered to a server', () => {
  test('every offer is made once, in its order', () => {
    const sequence = new AuthSequence([key(0, 'a'), key(0, 'b'), password(1), answers(2)]);
    const made = [
      sequence.next(null, false),
      sequence.next(ALL, false),
      sequence.next(ALL, false),
      sequence.next(ALL, false),
    ];
    expect(made.map((offer) => offer?.title)).toEqual(['a', 'b', 'a password', 'answers']);
    expect(sequence.exhausted).toBe(false);
    expect(sequence.next(ALL, false)).toBeNull();
    expect(sequence.exhausted).toBe(true);
  });

  test('a key that was taken as a first factor ends the search for keys', () => {
    const sequence = new AuthSequence([key(0, 'a'), key(0, 'b'), answers(1)]);
    sequence.next(null, false);
    expect(sequence.next(['keyboard-interactive'], true)?.title).toBe('answers');
    expect(sequence.partlyIn).toBe(true);
  });

  test('two factors of one method are both offered: the server may want a second key', () => {
    const sequence = new AuthSequence([key(0, 'a'), key(1, 'b')]);
    sequence.next(null, false);
    expect(sequence.next(['publickey'], true)?.title).toBe('b');
  });

  test('a method that the server does not take is passed over', () => {
    const sequence = new AuthSequence([key(0, 'a'), password(1), answers(2)]);
    sequence.next(null, false);
    expect(sequence.next(['publickey', 'keyboard-interactive'], false)?.title).toBe('answers');
    expect(sequence.remaining).toEqual([]);
  });

  test('after an agent nothing is passed over, since ssh2 does not tell what the server said to its keys', () => {
    const agent: Offer = { factor: 0, title: 'agent', kind: 'agent', socket: '/s', only: null };
    const sequence = new AuthSequence([agent, password(1)]);
    sequence.next(null, false);
    expect(sequence.next(['publickey'], false)?.title).toBe('a password');
  });

  test('a person is asked only where something was taken, or where nobody knows whether it was', () => {
    const asked: Offer = { factor: 2, title: 'you', kind: 'asked', onlyToFinish: true, ask: async () => [] };
    const refused = new AuthSequence([key(0, 'a'), asked]);
    refused.next(null, false);
    expect(refused.next(ALL, false)).toBeNull();
    const taken = new AuthSequence([key(0, 'a'), asked]);
    taken.next(null, false);
    expect(taken.next(['keyboard-interactive'], true)?.title).toBe('you');
    const agent: Offer = { factor: 0, title: 'agent', kind: 'agent', socket: '/s', only: null };
    const unknown = new AuthSequence([agent, asked]);
    unknown.next(null, false);
    expect(unknown.next(ALL, false)?.title).toBe('you');
  });

  test('what remains is what was not offered', () => {
    const sequence = new AuthSequence([password(0), answers(1)]);
    expect(sequence.remaining).toHaveLength(2);
    sequence.next(null, false);
    expect(sequence.remaining.map(({ title }) => title)).toEqual(['answers']);
  });
});
