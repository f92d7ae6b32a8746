// The page of a report in a real browser: what an auditor opens, and prints.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { foldReport } from '../../src/core/report.ts';
import { reportPage } from '../../src/view/report-page.ts';
import { chromiumPath, startChromium, type Chromium, type Look } from '../support/chromium.ts';
import { runJournal, type JournalOrder } from '../support/run-journal.ts';

/** Longer nobody waits for a page. */
const OPEN_MS_MAX = 3_000;
/** Colours of text, by the least contrast that WCAG 2.2 (1.4.3) asks of it. */
const CONTRAST_MIN = 4.5;

const chromium = chromiumPath();
// scripts/test installs it: there, that it is missing is a failure.
const mayBeMissing = process.env['DUO_FLEET_TEST_RUN'] === undefined;

let folder = '';
let browser: Chromium;
beforeAll(async () => {
  if (chromium === null && mayBeMissing) return;
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-page-'));
  expect(chromium, 'chromium is not installed (scripts/prepare chromium)').not.toBeNull();
  browser = await startChromium(chromium ?? '');
});
afterAll(async () => {
  await browser?.close();
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

const fileOf = (order: JournalOrder, keep = 1): string => {
  const events = runJournal(order);
  const report = foldReport(events.slice(0, Math.ceil(events.length * keep)), {
    run: '20261128-220004-ab12',
    damage: [],
    isAlive: false,
    resumedBy: [],
    undoneBy: [],
  });
  const path = join(folder, `${order.hosts}-${keep}-${(order.said ?? '').length}.html`);
  writeFileSync(
    path,
    reportPage(report, (command, host) => `duo-fleet ${command} --host ${host}`),
  );
  return path;
};

const LOOKS: readonly Look[] = [
  { width: 1280 },
  { width: 1280, dark: true },
  { width: 390 },
  { width: 390, dark: true },
];

/** Elements whose text has less contrast than it must, with both colours; evaluated in the page. */
const PALE = `(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const pale = new Set();
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < ${CONTRAST_MIN}) pale.add(element.tagName + '.' + element.className + ' ' + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  return [...pale];
})()`;

describe.skipIf(chromium === null && mayBeMissing)('the page of a report', () => {
  describe.each(LOOKS)('seen with %j', (look) => {
    test.each([3, 500])(
      'of %i hosts breaks no rule of its own, loads nothing, and is never wider than the screen',
      async (hosts) => {
        const page = await browser.open(fileOf({ hosts, waves: true }), look);
        expect(page.complaints()).toEqual([]);
        expect(page.requests()).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(look.width);
        // Its style was taken: a policy that does not name it would leave the browser's own.
        expect(await page.evaluate('getComputedStyle(document.querySelector("section")).borderRadius')).toBe(
          '8px',
        );
      },
    );

    test('has text that can be read', async () => {
      const page = await browser.open(fileOf({ hosts: 60, waves: true }), look);
      await page.evaluate('document.querySelectorAll("details").forEach((one) => { one.open = true; })');
      expect(await page.evaluate(PALE)).toEqual([]);
    });
  });

  test('of a thousand hosts opens in under three seconds', async () => {
    const page = await browser.open(fileOf({ hosts: 1_000, waves: true }), { width: 1280 });
    expect(await page.evaluate('document.querySelectorAll("#hosts .host").length')).toBe(1_000);
    // Of the processors' time, since a clock would tell of what else this machine does.
    expect(page.openedCpuMs).toBeLessThan(OPEN_MS_MAX);
  });

  test('finds a host by its name and by its verdict, and shows all of them again', async () => {
    const page = await browser.open(fileOf({ hosts: 60 }), { width: 1280 });
    const visible = (): Promise<readonly string[]> =>
      page.evaluate(
        '[...document.querySelectorAll("#hosts .host")].filter((one) => one.checkVisibility()).map((one) => one.dataset.host)',
      );
    const enter = (selector: string, value: string, event: string): Promise<unknown> =>
      page.evaluate(
        `(() => { const one = document.querySelector(${JSON.stringify(selector)}); one.value = ${JSON.stringify(value)}; one.dispatchEvent(new Event(${JSON.stringify(event)})); })()`,
      );
    await enter('.filter input', 'APP00', 'input');
    expect((await visible()).length).toBe(9);
    expect((await visible()).every((name) => name.startsWith('app00'))).toBe(true);
    await enter('.filter select', 'unreachable', 'change');
    expect(await visible()).toEqual(['app003.example.com']);
    await enter('.filter input', '', 'input');
    await enter('.filter select', '', 'change');
    expect(await page.evaluate('document.querySelectorAll("[data-host][hidden]").length')).toBe(0);
  });

  test('says the same without its script, and offers no filter then', async () => {
    const page = await browser.open(fileOf({ hosts: 60 }), { width: 1280, scripts: false });
    expect(page.complaints()).toEqual([]);
    expect(await page.evaluate('document.querySelector(".filter").checkVisibility()')).toBe(false);
    expect(await page.evaluate('document.querySelectorAll("#hosts .host").length')).toBe(60);
  });

  test('runs nothing that a host, an inventory or an operator put into it', async () => {
    const said = `"><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`;
    const page = await browser.open(fileOf({ hosts: 12, waves: true, said }), { width: 1280 });
    expect(await page.evaluate('document.title')).toBe('duo-fleet apply 20261128-220004-ab12');
    expect(await page.evaluate('document.querySelectorAll("img, iframe, object, embed, link").length')).toBe(
      0,
    );
    expect(await page.evaluate('document.scripts.length')).toBe(1);
    expect(page.complaints()).toEqual([]);
    expect(page.requests()).toEqual([]);
  });

  test('whose run was cut off says so where the eye falls first', async () => {
    const page = await browser.open(fileOf({ hosts: 12, waves: true }, 0.6), { width: 390 });
    expect(
      await page.evaluate('document.querySelector(".alert.bad").getBoundingClientRect().bottom < 450'),
    ).toBe(true);
  });
});
