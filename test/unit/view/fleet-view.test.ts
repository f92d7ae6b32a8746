import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import { fleetView } from '../../../src/view/fleet-view.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';

const hosts = Array.from({ length: 12 }, (_none, at) => `web${at + 1}`);

const open = (size = { lines: 24, columns: 80 }) => {
  const written: string[] = [];
  const view = fleetView({
    hosts,
    paint: PLAIN_PAINT,
    terminal: () => size,
    writeRaw: (text) => void written.push(text),
    nowMs: () => 0,
  });
  let seq = 0;
  const show = (event: RunEvent): void => view.show({ ...event, seq: (seq += 1), at: seq });
  return { view, show, written, size };
};

/** Where the cursor stands after this text, in lines below where it stood before; no line is wider than the terminal. */
const movesDown = (text: string): number =>
  // oxlint-disable-next-line no-control-regex
  [...text.matchAll(/\n|\u001b\[(\d+)A/g)].reduce(
    (line, [, up]) => (up === undefined ? line + 1 : line - Number(up)),
    0,
  );

describe('the view of many hosts', () => {
  test('draws in one place: each picture begins where the last one began', async () => {
    const { view, show, written } = open();
    show({ type: 'host-started', host: 'web1' });
    await view.close();
    expect(written.length).toBeGreaterThanOrEqual(2);
    const [first = '', ...others] = written;
    expect(movesDown(first)).toBe(20);
    expect(written.at(-1)?.startsWith('\u001b[20A\r')).toBe(true);
    for (const text of others) expect(text.endsWith('\u001b[J')).toBe(true);
    expect(written.at(-1)).toContain('12 hosts: 0 done, 1 at work, 11 waiting');
  });

  test('goes up by the lines that a narrower terminal has made of the last picture, and never out of the window', async () => {
    const size = { lines: 24, columns: 80 };
    const { view, show, written } = open(size);
    show({ type: 'host-started', host: 'web1' });
    size.columns = 20;
    await view.close();
    // The head of 45 and the bar of 46 characters take three lines each, the title two: five more than the twenty.
    const up = /^\u001b\[(\d+)A/.exec(written.at(-1) ?? '')?.[1];
    expect(Number(up)).toBeGreaterThan(20);
    expect(Number(up)).toBeLessThanOrEqual(23);
  });

  test('closes although hosts never ended or never started, and draws nothing any more', async () => {
    const { view, show, written } = open();
    show({ type: 'host-started', host: 'web1' });
    view.say('No longer waiting');
    await expect(view.close()).resolves.toBeUndefined();
    const { length } = written;
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toHaveLength(length);
  });

  test('does not listen to signals: whoever runs hosts does', async () => {
    const before = process.listenerCount('SIGINT');
    const { view } = open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(process.listenerCount('SIGINT')).toBe(before);
    await view.close();
  });
});
