import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { foldReport, type Report, type ReportContext } from '../../../src/core/report.ts';
import { reportDocument } from '../../../src/view/report-document.ts';
import { reportJunit } from '../../../src/view/report-junit.ts';
import { reportPage } from '../../../src/view/report-page.ts';
import { reportText } from '../../../src/view/report-text.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';
import { jsonDocument } from '../../../src/view/json-document.ts';
import { runJournal, type JournalOrder } from '../../support/run-journal.ts';
import { wellFormed } from '../../support/well-formed.ts';

const CONTEXT: ReportContext = {
  run: '20261128-220004-ab12',
  damage: [],
  isAlive: false,
  resumedBy: [],
  undoneBy: [],
};
const reportOf = (order: JournalOrder, more: Partial<ReportContext> = {}, keep = 1): Report => {
  const events = runJournal(order);
  return foldReport(events.slice(0, Math.ceil(events.length * keep)), { ...CONTEXT, ...more });
};
const again = (command: string, host: string): string => `duo-fleet ${command} --host ${host}`;
const page = (report: Report): string => reportPage(report, again);
const text = (report: Report, width = 80): readonly string[] =>
  reportText(report, { paint: PLAIN_PAINT, width, again });

const tags = (markup: string): readonly string[] => markup.match(/<\/?[a-z!][^\s>]*/gi) ?? [];

/** What a host, an inventory or an operator could say to leave its place. */
const HOSTILE = [
  '"><script>alert(1)</script>',
  "' onmouseover='alert(1)",
  '</style><svg onload=alert(1)>',
  '<!--',
  ']]>',
  '&lt;',
  '{{7*7}}',
  '${1}',
  '\u001b[31m\u0007',
  '\u202egnp.exe',
  '\ud800',
  '\u0000\u0001\ufffe\uffff',
  '\n\r\t\u2028',
  '\u{1f512}',
];

describe('a report’s page', () => {
  const whole = reportOf({ hosts: 12, waves: true });

  test('has every part, each with its heading, and a name for every table’s columns', () => {
    const made = page(whole);
    for (const id of [
      'summary',
      'attention',
      'timeline',
      'matrix',
      'changes',
      'findings',
      'logins',
      'evidence',
      'hosts',
    ]) {
      expect(made).toContain(`href="#${id}"`);
      expect(made).toContain(`<section id="${id}" aria-labelledby="${id}-title">`);
    }
    const tables = made
      .split('<table')
      .slice(1)
      .filter((table) => !table.startsWith(' class="time"'));
    expect(tables.every((table) => table.includes('<th') && table.includes('scope="col"'))).toBe(true);
    expect(made.match(/<h1>/g)).toHaveLength(1);
    expect(made).toContain('<html lang="en">');
  });

  test('allows nothing but its own style and its own script, word for word', () => {
    const made = page(whole);
    const [, policy = ''] = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(made) ?? [];
    const hashOf = (tag: string): string => {
      const [, inside = ''] = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(made) ?? [];
      return `&#39;sha256-${createHash('sha256').update(inside).digest('base64')}&#39;`;
    };
    expect(policy).toContain('default-src &#39;none&#39;');
    expect(policy).toContain(`style-src ${hashOf('style')};`);
    expect(policy).toContain(`script-src ${hashOf('script')};`);
    expect(policy).not.toContain('unsafe');
    expect(made).not.toMatch(/\ssrc=|<link|@import|url\(|https?:\/\/(?!192)/);
    expect(made).not.toMatch(/<[^>]*\s(?:style|on[a-z]+)=/);
  });

  test.each(HOSTILE)('shows %j as text, wherever it comes from', (said) => {
    const clean = page(reportOf({ hosts: 4, waves: true }));
    const made = page(reportOf({ hosts: 4, waves: true, said }));
    expect(new Set(tags(made))).toEqual(new Set(tags(clean)));
    expect(made.match(/<script/g)).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex
    expect(made).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(wellFormed(made.replace('<!doctype html>', ''), 'html')).toBe('');
  });

  test('of five hundred hosts tells first, and together, what did not get there, and folds the others', () => {
    const made = page(reportOf({ hosts: 500 }));
    expect(made.indexOf('id="attention"')).toBeLessThan(made.indexOf('id="matrix"'));
    const blocks = [
      ...made.matchAll(
        /<details class="block"\s+(open)?>\s*<summary>\s*<span class="chip on-\w+">\S+ ([\w-]+)/g,
      ),
    ];
    const matrix = blocks.slice(0, 7).map(([, open, verdict]) => [verdict, open !== undefined]);
    expect(matrix).toEqual([
      ['stranded', true],
      ['rolled-back', true],
      ['refused', true],
      ['unreachable', true],
      ['skipped', true],
      ['confirmed', false],
      ['unchanged', false],
    ]);
    expect(made.length).toBeLessThan(1_500_000);
  });

  test('without waves shows hosts over time', () => {
    expect(page(reportOf({ hosts: 3 }))).toContain('>Over time<');
    expect(page(whole)).toContain('Wave 1, canary');
  });
});

describe('a run that was cut off', () => {
  const cut = reportOf({ hosts: 12, waves: true }, { damage: [{ line: 7, what: 'garbled' }] }, 0.6);

  test('says so on top, with what to do, in every form for people', () => {
    const words = text(cut).slice(0, 8).join(' ');
    expect(words).toContain(
      'This run was cut off: its journal has no end, and 5 hosts have no verdict in it.',
    );
    expect(words).toContain('duo-fleet resume 20261128-220004-ab12');
    expect(words).toContain('damaged at line 7 (garbled)');
    const made = page(cut);
    expect(made.indexOf('This run was cut off')).toBeLessThan(made.indexOf('id="summary"'));
    expect(made).toContain('? no verdict');
  });

  test('names the run that took it up, and that one names it', () => {
    const taken = reportOf({ hosts: 3 }, { resumedBy: ['20261129-080000-0001'] }, 0.5);
    expect(text(taken).join(' ')).toContain('taken up by run 20261129-080000-0001');
    const resumed = reportOf({ hosts: 3, resumes: '20261128-070000-0001' });
    expect(text(resumed).join(' ')).toContain('This run finishes run 20261128-070000-0001.');
    expect(page(resumed)).toContain('Finishes run');
  });

  test('is told by the document with what is missing named, and never with a verdict that nobody saw', () => {
    const document = reportDocument(cut);
    expect(document).toMatchObject({
      state: 'cut-off',
      exitCode: null,
      damage: [{ line: 7, what: 'garbled' }],
    });
    const { hosts, unfinished } = document as { hosts: readonly object[]; unfinished: readonly object[] };
    expect([hosts.length, unfinished.length]).toEqual([7, 5]);
  });

  test('from its very first moment on is a whole document in every form', () => {
    const events = runJournal({ hosts: 3, waves: true });
    for (let length = 0; length < events.length; length += 29) {
      const report = foldReport(events.slice(0, length), CONTEXT);
      expect(wellFormed(page(report).replace('<!doctype html>', ''), 'html')).toBe('');
      expect(wellFormed(reportJunit(report).replace(/^<\?xml.*\?>\n/, ''), 'xml')).toBe('');
      expect(JSON.parse(JSON.stringify(reportDocument(report)))).toMatchObject({ exitCode: null });
      expect(text(report).length).toBeGreaterThan(0);
    }
  });
});

describe('a report for programs', () => {
  test('says what --json says, word for word, and more beside it', () => {
    const events = runJournal({ hosts: 12, waves: true });
    const report = foldReport(events, CONTEXT);
    const results = events.flatMap((event) => (event.type === 'host-ended' ? [event.result] : []));
    const order = new Map(report.hosts.map(({ host }, at) => [host, at]));
    results.sort((a, b) => (order.get(a.host) ?? 0) - (order.get(b.host) ?? 0));
    const { rollbacks, ...document } = jsonDocument(CONTEXT.run, 'apply', {
      exitCode: 1,
      results,
      waves: report.waves,
    });
    // Those are runs of their own, with reports of their own.
    expect(rollbacks).toEqual([]);
    expect(reportDocument(report)).toMatchObject(document);
  });
});

describe('JUnit’s XML', () => {
  test('has a suite for each wave and a case for each host, told apart by verdict', () => {
    const xml = reportJunit(reportOf({ hosts: 30, waves: true }));
    expect(wellFormed(xml.replace(/^<\?xml.*\?>\n/, ''), 'xml')).toBe('');
    expect(xml).toContain(
      '<testsuite name="wave 1 of 3 (canary)" tests="1" failures="0" errors="0" skipped="0"',
    );
    expect(xml.match(/<testcase /g)).toHaveLength(30);
    expect(xml).toMatch(/<testsuites [^>]* tests="30" failures="3" errors="1" skipped="1" /);
    expect(xml).toMatch(/<failure type="rolled-back" message="db001.example.com: the login &quot;/);
    expect(xml).toMatch(/<error type="stranded"/);
    expect(xml).toMatch(/<skipped message="was not started"\/>/);
    expect(xml).toContain('classname="duo-fleet.apply.wave-3"');
  });

  test.each(HOSTILE)('is XML 1.0 whatever a host says: %j', (said) => {
    const xml = reportJunit(reportOf({ hosts: 4, said }));
    // oxlint-disable-next-line no-control-regex
    expect(xml).not.toMatch(/[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
    expect(wellFormed(xml.replace(/^<\?xml.*\?>\n/, ''), 'xml')).toBe('');
  });
});

describe('a report as text', () => {
  test.each([80, 120])('fits %i columns but for commands and lines of files', (width) => {
    const wide = text(reportOf({ hosts: 30, waves: true }), width).filter(
      (line) => line.length > width && !/^ +[-+ ]|^ {4}(?:duo-fleet|sh) /.test(line),
    );
    expect(wide).toEqual([]);
  });

  test.each(HOSTILE)('keeps %j from the terminal', (said) => {
    // oxlint-disable-next-line no-control-regex
    expect(text(reportOf({ hosts: 4, said })).join('')).not.toMatch(
      /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
    );
  });
});
