import { describe, expect, test } from 'vitest';
import { complianceOf, type Evidence } from '../../../src/core/compliance.ts';
import type { RecordedEvent } from '../../../src/core/event.ts';
import { foldReport } from '../../../src/core/report.ts';
import type { DuoProof, Verdict } from '../../../src/core/verdict.ts';
import { runJournal } from '../../support/run-journal.ts';

/** Evidence of the one host of a run, by control. */
const evidence = (
  verdict: Verdict,
  change: (event: RecordedEvent) => RecordedEvent = (event) => event,
): Readonly<Record<string, Evidence | undefined>> => {
  const events = runJournal({ hosts: 1, verdictAt: () => verdict }).map(change);
  const report = foldReport(events, { run: 'r', damage: [], isAlive: false, resumedBy: [], undoneBy: [] });
  return Object.fromEntries(
    complianceOf(report).map(({ requirement, hosts }) => [requirement.control, hosts[0]?.evidence]),
  );
};

/** Every login that met Duo, made another one. */
const withDuo =
  (duo: DuoProof | null) =>
  (event: RecordedEvent): RecordedEvent =>
    event.type === 'host-ended'
      ? {
          ...event,
          result: {
            ...event.result,
            checks: event.result.checks.map(({ duo: old, ...check }) =>
              old === undefined || duo === null ? check : { ...check, duo },
            ),
          },
        }
      : event;

/** The tables of the plan, with other rows. */
const withRows =
  (edit: (text: string) => string) =>
  (event: RecordedEvent): RecordedEvent =>
    event.type === 'planned' ? (JSON.parse(edit(JSON.stringify(event))) as RecordedEvent) : event;

describe('evidence for the Essential Eight', () => {
  test('a login that somebody approved shows it for accounts of its kind, with the time and the module’s own line', () => {
    const { 'ISM-0974': unprivileged, 'ISM-1173': privileged } = evidence('confirmed');
    expect(unprivileged).toMatchObject({
      level: 'shown',
      line: "Successful Duo login for 'canary' from 192.0.2.10",
      at: expect.any(Number),
    });
    expect(privileged?.level).toBe('partly');
    expect(privileged?.missing.join(' ')).toContain('another kind of account');
  });

  test('a login that Duo let through in bypass is no second factor that anybody showed', () => {
    const line = "Skipped Duo login for 'canary' from 192.0.2.10: Bypass";
    const { 'ISM-0974': told } = evidence('confirmed', withDuo({ user: 'canary', how: 'bypassed', line }));
    expect(told).toMatchObject({ level: 'partly', line });
    expect(told?.missing.join(' ')).toContain('Nobody approved a second factor');
  });

  test('without such a login it rests on the model, and says so', () => {
    const { 'ISM-0974': told, 'ISM-1683': logged } = evidence('confirmed', withDuo(null));
    expect(told).toMatchObject({ level: 'partly', at: null, line: '' });
    expect(told?.missing.join(' ')).toContain('only the model');
    expect(logged?.level).toBe('not-shown');
  });

  test('failmode safe and exempt accounts are always named as what is missing', () => {
    const missing = evidence('confirmed')['ISM-1173']?.missing.join(' ') ?? '';
    expect(missing).toContain('While Duo cannot be reached, they get in without it');
    expect(missing).toContain('automation (automation), breakglass (break-glass)');
  });

  test('what a rolled-back host showed before it was put back shows nothing of it now', () => {
    const told = evidence('rolled-back');
    expect(told['ISM-0974']).toMatchObject({ level: 'contradicted', line: '' });
    expect(told['ISM-1683']).toMatchObject({ level: 'not-shown', line: '' });
  });

  test('a member who gets past Duo speaks against it, however many logins were approved', () => {
    const keyAlone = withRows((text) => text.replaceAll('"proofs":["key","duo"]', '"proofs":["key"]'));
    expect(evidence('confirmed', keyAlone)['ISM-0974']?.level).toBe('contradicted');
    const silent = withRows((text) =>
      text.replaceAll(
        '{"kind":"asks","ways":[{"proofs":["password","duo"],"sure":true}]}',
        '{"kind":"asks-nothing","entry":"ALL"}',
      ),
    );
    expect(evidence('confirmed', silent)['ISM-1173']?.missing.join(' ')).toContain(
      'is asked for nothing by sudo',
    );
    expect(evidence('confirmed', silent)['ISM-1173']?.level).toBe('contradicted');
  });

  test('what the model is not sure of is never shown', () => {
    const unsure = withRows((text) =>
      text.replaceAll('"proofs":["key","duo"],"sure":true', '"proofs":["key","duo"],"sure":false'),
    );
    expect(evidence('confirmed', unsure)['ISM-0974']?.level).toBe('partly');
  });

  test.each<Verdict>(['confirmed', 'unchanged', 'rolled-back'])(
    'phishing resistance is never claimed, on a host that is %s',
    (verdict) => expect(evidence(verdict)['ISM-1682']?.level).toBe('contradicted'),
  );

  test('central logging is never claimed', () => {
    expect(evidence('confirmed')['ISM-1683']).toMatchObject({ level: 'partly' });
    expect(evidence('confirmed')['ISM-1683']?.missing.join(' ')).toContain('was not looked at');
  });

  test.each<Verdict>(['unreachable', 'skipped', 'stranded'])(
    'of a host that is %s nothing is shown at all',
    (verdict) => {
      expect(new Set(Object.values(evidence(verdict)).map((told) => told?.level))).toEqual(
        new Set(['not-shown']),
      );
    },
  );
});
