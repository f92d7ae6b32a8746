import { describe, expect, test } from 'vitest';
import { interruptsOf, SAME_KEY_MS } from '../../../src/cli/interrupts.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const listen = () => {
  const outside = testSurroundings();
  const heard: string[] = [];
  const stop = interruptsOf(outside).listen({
    stop: (signal) => heard.push(`stop ${signal}`),
    insist: () => heard.push('insist'),
    abandon: () => heard.push('abandon'),
  });
  const press = (): void => {
    outside.pass(SAME_KEY_MS + 1);
    outside.send('SIGINT');
  };
  return { outside, heard, press, stop };
};

describe('Ctrl-C', () => {
  test('once stops starting, twice stops waiting and says so first, three times ends', () => {
    const { heard, press, outside } = listen();
    press();
    expect(heard).toEqual(['stop SIGINT']);
    press();
    expect(heard).toEqual(['stop SIGINT', 'insist', 'abandon']);
    expect(outside.exits).toEqual([]);
    press();
    expect(outside.exits).toEqual([130]);
  });

  test('one key that arrives twice is one', () => {
    const { heard, press, outside } = listen();
    press();
    outside.send('SIGINT');
    outside.pass(SAME_KEY_MS - 1);
    outside.send('SIGINT');
    expect(heard).toEqual(['stop SIGINT']);
  });
});

test.each(['SIGTERM', 'SIGHUP'] as const)('%s is like one Ctrl-C, however often it comes', (signal) => {
  const { heard, outside } = listen();
  for (let time = 0; time < 5; time += 1) {
    outside.send(signal);
    outside.pass(10_000);
  }
  expect(heard).toEqual([`stop ${signal}`]);
  expect(outside.exits).toEqual([]);
});

test('after the run nobody listens any more', () => {
  const { heard, press, stop } = listen();
  stop();
  press();
  expect(heard).toEqual([]);
});
